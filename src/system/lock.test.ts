import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-lock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const FAULTS = {
  unusable: (doing: string) => new Error(`cannot ${doing}`),
  cancelled: () => new Error('cancelled'),
}

/** Longer than a lock has to lie still to count as abandoned. */
const PATIENCE = 20_000

describe.concurrent('withLock', () => {
  it('holds the lock while the work runs', async () => {
    const path = join(folder, 'plain.lock')
    expect(await withLock(path, FAULTS, async () => existsSync(path))).toBe(true)
    expect(existsSync(path)).toBe(false)
  })
  it.skipIf(process.platform === 'win32')(
    'takes over a link that leads nowhere',
    async () => {
      const path = join(folder, 'link.lock')
      symlinkSync(join(folder, 'nowhere'), path)
      // Without an end of the test's own, a wait that never ends would go on beside the other tests.
      const signal = AbortSignal.timeout(PATIENCE - 5_000)
      expect(await withLock(path, { ...FAULTS, signal }, async () => 'done')).toBe('done')
    },
    PATIENCE,
  )
  it(
    'says so when the lock cannot be cleared',
    async () => {
      const path = join(folder, 'folder.lock')
      mkdirSync(path)
      await expect(withLock(path, FAULTS, async () => 'done')).rejects.toThrow('cannot be cleared')
    },
    PATIENCE,
  )
  it('ends the wait for a lock that is held when its signal says so', async () => {
    const path = join(folder, 'held.lock')
    await withLock(path, FAULTS, async () => {
      const signal = AbortSignal.timeout(50)
      await expect(withLock(path, { ...FAULTS, signal, pollMs: 5 }, async () => 'done')).rejects.toThrow(
        'cancelled',
      )
    })
  })
})
