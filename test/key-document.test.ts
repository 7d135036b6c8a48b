import { describe, expect, it } from 'vitest'
import { createAccessKey, createBearerKey } from '../src/api/auth/create-key.ts'
import { formatKeys, parseKeys } from '../src/api/auth/key-document.ts'
import { RemoteKeyStore } from '../src/aws/function/keys.ts'

const bearer = (await createBearerKey('a', new Date(0))).stored
const access = createAccessKey('b', new Date(0)).stored

describe('the document of keys', () => {
  it('reads back what it writes', () => {
    expect(parseKeys(formatKeys([bearer, access]), 'x')).toEqual([bearer, access])
    expect(parseKeys(formatKeys([], 2), 'x')).toEqual([])
  })
  it.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['another version', JSON.stringify({ version: 2, keys: [] })],
    ['an empty secret', formatKeys([{ ...access, secret: '' } as never])],
    ['a short secret', formatKeys([{ ...access, secret: 'fifteen letters' } as never])],
    ['a hash that is none', formatKeys([{ ...bearer, hash: 'z'.repeat(64) } as never])],
    ['a key of another kind', formatKeys([bearer, { ...bearer, kind: 'other' } as never])],
    ['a key without an id', formatKeys([{ ...bearer, id: '' }])],
  ])('refuses %s, wherever it is stored', async (_what, text) => {
    expect(() => parseKeys(text, 'the drawer')).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('the drawer') }),
    )
    const store = new RemoteKeyStore(async () => text, Date.now)
    await expect(store.bearer(bearer.id)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { status: 500 },
    })
  })
})
