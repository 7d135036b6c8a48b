import { describe, expect, it } from 'vitest'
import { singleDetector, testApp } from '../../../test/support/app.ts'
import type { Connection } from '../../api/connection.ts'
import type { DetectorLike } from '../../detector/types.ts'
import { functionAuthenticator, RemoteKeyStore } from './keys.ts'

describe('keys of a function', () => {
  const key = {
    kind: 'bearer',
    id: 'a',
    name: 'n',
    hash: 'a'.repeat(64),
    created: '2026-11-01T00:00:00.000Z',
  }
  const text = JSON.stringify({ version: 1, keys: [key] })

  it('are read again after a minute, and kept for a while when that fails', async () => {
    let now = 0
    let answer: () => string = () => text
    const store = new RemoteKeyStore(
      async () => answer(),
      () => now,
    )
    expect(await store.bearer('a')).toMatchObject({ id: 'a' })
    answer = () => JSON.stringify({ version: 1, keys: [] })
    expect(await store.bearer('a')).toBeDefined()
    now = 61_000
    expect(await store.bearer('a')).toBeUndefined()
    answer = () => 'damaged'
    now = 200_000
    expect(await store.bearer('a')).toBeUndefined()
    now = 2_000_000
    await expect(store.bearer('a')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('callers of a function', () => {
  const detector = { model: { name: 'm', contract: { labels: [] } } } as unknown as DetectorLike
  const status = async (env: Record<string, string>, connection: Connection, headers = {}) => {
    const { app } = testApp(singleDetector(detector), { auth: functionAuthenticator(env) })
    return (await app.fetch(new Request('https://h/v1/models/none', { headers }), connection)).status
  }
  const known = { principal: 'arn:aws:iam::1:user/u' }

  it.each([
    ['iam', known, 404],
    ['iam', {}, 403],
    ['', known, 404],
    ['', {}, 403],
    ['none', {}, 403],
    ['keys', known, 404],
    // No place for the keys is configured, which is not the caller's fault.
    ['keys', {}, 500],
  ])('with BOXLET_AUTH=%s and %j get %i', async (auth, connection, expected) => {
    expect(await status(auth === '' ? {} : { BOXLET_AUTH: auth }, connection)).toBe(expected)
  })

  it('do not get in with a key where IAM decides', async () => {
    const headers = { authorization: `Bearer bxl_${'a'.repeat(40)}` }
    expect(await status({ BOXLET_AUTH: 'iam' }, {}, headers)).toBe(403)
  })
})
