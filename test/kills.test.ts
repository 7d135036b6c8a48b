import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBearerKey } from '../src/api/auth/create-key.ts'
import { formatKeys } from '../src/api/auth/key-document.ts'
import { RemoteKeyStore } from '../src/aws/function/keys.ts'
import { changeKeys, readKeys } from '../src/server/key-file.ts'

const ROOT = resolve(import.meta.dirname, '..')
const BIN = join(ROOT, 'bin/boxlet.js')
const ROUNDS = Number(process.env.BOXLET_TEST_KILLS ?? 8)

let folder: string
let keys: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-kills-'))
  keys = join(folder, 'keys.json')
})
afterEach(() => rm(folder, { recursive: true }))

describe('a process that is killed while it writes keys', () => {
  it('loses none that it has shown, and leaves a file that others read and change', async () => {
    const writer = `
      import { createBearerKey } from ${JSON.stringify(join(ROOT, 'dist/api/auth/create-key.js'))}
      import { changeKeys } from ${JSON.stringify(join(ROOT, 'dist/server/key-file.js'))}
      for (;;) {
        const { stored } = await createBearerKey('x', new Date())
        await changeKeys(${JSON.stringify(keys)}, (keys) => [...keys.slice(-50), stored])
        process.stdout.write(stored.id + '\\n')
      }`
    let shown: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', writer])
      let text = ''
      child.stdout.on('data', (chunk) => {
        text += chunk
      })
      await expect.poll(() => text.split('\n').length, { timeout: 30_000 }).toBeGreaterThan(2 + (round % 5))
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await ended
      shown = [...shown, ...text.split('\n').filter((id) => id.length === 12)].slice(-20)
      const ids = (await readKeys(keys)).map(({ id }) => id)
      expect(ids).toEqual(expect.arrayContaining(shown))
    }
    const { stored } = await createBearerKey('after', new Date())
    await changeKeys(keys, (all) => [...all, stored])
    expect((await readKeys(keys)).at(-1)).toEqual(stored)
  })
})

describe.skipIf(process.platform === 'win32')('a disk that takes no more', () => {
  it('leaves the keys as they were, and is named', async () => {
    const { stored } = await createBearerKey('first', new Date())
    await changeKeys(keys, () => [stored])
    const before = await readFile(keys, 'utf8')
    // Writing beyond the limit fails as on a full disk.
    const full = promisify(execFile)('sh', [
      '-c',
      `ulimit -f 0; exec "${process.execPath}" "${BIN}" keys create --keys "${keys}"`,
    ])
    await expect(full).rejects.toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('[OUTPUT_UNWRITABLE]'),
    })
    expect(await readFile(keys, 'utf8')).toBe(before)
  })

  it('is named for a cache that cannot be written', async () => {
    const pull = promisify(execFile)(process.execPath, [BIN, 'model', 'pull', 'yolov8n'], {
      env: { ...process.env, BOXLET_CACHE: '/dev/null/cache', BOXLET_OFFLINE: '' },
    })
    await expect(pull).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('[CACHE_UNWRITABLE]'),
    })
  })
})

describe('a clock that jumps', () => {
  it('makes a function read its keys again, forward and back', async () => {
    const [first, second] = await Promise.all(
      ['a', 'b'].map(async (name) => (await createBearerKey(name, new Date())).stored),
    )
    let stored = [first!]
    let now = Date.UTC(2026, 0, 1)
    const store = new RemoteKeyStore(
      async () => formatKeys(stored),
      () => now,
    )
    expect(await store.bearer(first!.id)).toBeDefined()
    stored = [second!]
    expect(await store.bearer(first!.id)).toBeDefined()
    // A year back: what was read last year from now is not fresh.
    now = Date.UTC(2025, 0, 1)
    expect(await store.bearer(first!.id)).toBeUndefined()
    expect(await store.bearer(second!.id)).toBeDefined()
    stored = []
    now = Date.UTC(2027, 0, 1)
    expect(await store.bearer(second!.id)).toBeUndefined()
  })
})
