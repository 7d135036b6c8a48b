import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'
import { createBearerKey } from '../api/auth/create-key.ts'
import { ACCESS_KEY_ID, BEARER_KEY } from '../api/auth/key-store.ts'
import { FileKeyStore } from './file-key-store.ts'
import { changeKeys, isReadableByOthers, readKeys } from './key-file.ts'

describe('keys', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-keys-'))
    path = join(folder, 'deep', 'keys.json')
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function run(...args: string[]): Promise<string> {
    const { code, out, err } = await boxlet(['keys', ...args, '--keys', path])
    if (code !== 0) {
      throw Object.assign(new Error(err), { code: /\[(\w+)\]/.exec(err)?.[1] })
    }
    return out
  }

  it('are created once in plain sight and kept in a file for the owner alone', async () => {
    const key = (await run('create', '--name', 'laptop')).trim()
    expect(key).toMatch(BEARER_KEY)
    const pair = JSON.parse(await run('create', '--aws', '--format', 'json'))
    expect(pair.accessKeyId).toMatch(ACCESS_KEY_ID)
    expect(pair.secretAccessKey).toHaveLength(40)
    const text = await readFile(path, 'utf8')
    expect(text).not.toContain(key)
    // The secret part may hold the separator itself.
    expect(text).not.toContain(key.split('_').slice(2).join('_'))
    if (process.platform !== 'win32') {
      expect((await stat(path)).mode & 0o777).toBe(0o600)
    }
    expect(await isReadableByOthers(path)).toBe(false)
    expect(await readdir(join(folder, 'deep'))).toEqual(['keys.json'])
  })

  it('are listed without anything that opens a door', async () => {
    const key = (await run('create', '--name', 'laptop')).trim()
    const { secretAccessKey } = JSON.parse(await run('create', '--aws', '--format', 'json'))
    for (const text of [await run('list'), await run('list', '--format', 'json')]) {
      expect(text).toContain(key.split('_')[1])
      expect(text).toContain('laptop')
      // The secret part may hold the separator itself.
      expect(text).not.toContain(key.split('_').slice(2).join('_'))
      expect(text).not.toContain(secretAccessKey)
    }
  })

  it('are not lost when several processes create them at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => run('create')))
    expect(await readKeys(path)).toHaveLength(8)
  })

  it('end when they are revoked, for a running service too', async () => {
    const id = (await run('create')).split('_')[1] as string
    const store = new FileKeyStore(path)
    expect(await store.bearer(id)).toMatchObject({ id })
    expect(await store.access(id)).toBeUndefined()
    await run('revoke', id)
    await expect.poll(() => store.bearer(id), { timeout: 5_000 }).toBeUndefined()
    await expect(run('revoke', id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it.each([[[]], [['make']], [['revoke']], [['create', 'x']], [['revoke', 'a', 'b']]])(
    'refuses the words %j',
    async (words) => {
      await expect(run(...words)).rejects.toMatchObject({ code: 'USAGE' })
    },
  )

  it('let nobody in when the file is damaged', async () => {
    await changeKeys(path, () => [])
    const { stored } = await createBearerKey('x', new Date())
    await writeFile(path, '{"version":1,"keys":[{}]}')
    await expect(readKeys(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await new FileKeyStore(path).bearer(stored.id)).toBeUndefined()
    await chmod(path, 0o644)
    if (process.platform !== 'win32') {
      expect(await isReadableByOthers(path)).toBe(true)
    }
  })
})
