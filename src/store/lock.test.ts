import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-lock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Longer than a lock has to lie still to count as abandoned. */
const PATIENCE = 20_000

describe.concurrent('withLock', () => {
  it('holds the lock while the work runs', async () => {
    const path = join(folder, 'plain.lock')
    expect(await withLock(path, {}, async () => existsSync(path))).toBe(true)
    expect(existsSync(path)).toBe(false)
  })
  it.skipIf(process.platform === 'win32')(
    'takes over a link that leads nowhere',
    async () => {
      const path = join(folder, 'link.lock')
      symlinkSync(join(folder, 'nowhere'), path)
      // Without an end of the test's own, a wait that never ends would go on beside the other tests.
      const signal = AbortSignal.timeout(PATIENCE - 5_000)
      expect(await withLock(path, { signal }, async () => 'done')).toBe('done')
    },
    PATIENCE,
  )
  it(
    'says that the cache cannot be used when the lock cannot be cleared',
    async () => {
      const path = join(folder, 'folder.lock')
      mkdirSync(path)
      await expect(withLock(path, {}, async () => 'done')).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' })
    },
    PATIENCE,
  )
})
