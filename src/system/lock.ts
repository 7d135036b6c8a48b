/**
 * A lock file, so that one process at a time does some work. It only saves work: whoever uses it puts files in place by
 * an atomic rename, so that even two holders at once, which the rules for abandoned locks cannot exclude entirely, end
 * with one whole file.
 */
import { randomUUID } from 'node:crypto'
import { lstat, open, readFile, rm, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { defined } from './defined.ts'

/** The holder touches the lock this often. */
const BEAT_MS = 1_000
/** A lock that nobody touched for this long, by the waiter's own clock, is abandoned. */
const ABANDONED_MS = 6_000
const POLL_MS = 200

/** Makes the errors that a caller of the work understands. */
export interface LockFaults {
  /** The file system refuses: the lock cannot `be read`, `be written` or `be cleared`. */
  unusable: (doing: string, cause: unknown) => Error
  /** The signal ended the wait. */
  cancelled: () => Error
}

export interface LockOptions extends LockFaults {
  signal?: AbortSignal | undefined
  /** Called once if another process has the lock. */
  onWait?: (() => void) | undefined
  /** How often to look whether it is free. Default 200 ms. */
  pollMs?: number
}

interface Holder {
  pid: number
  host: string
  id: string
}

/** Runs `work` while holding the lock. @throws what `LockFaults` makes, and what the work throws */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const holder: Holder = { pid: process.pid, host: hostname(), id: randomUUID() }
  await acquire(path, holder, options)
  const beat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, BEAT_MS)
  beat.unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if ((await readHolder(path))?.id === holder.id) {
      await rm(path, { force: true }).catch(() => undefined)
    }
  }
}

async function acquire(path: string, holder: Holder, options: LockOptions): Promise<void> {
  const { unusable, signal } = options
  let seen: { touched: number; since: number } | undefined
  for (;;) {
    if (signal?.aborted) {
      throw options.cancelled()
    }
    if (await create(path, holder, unusable)) {
      return
    }
    if (seen === undefined) {
      options.onWait?.()
    }
    const touched = await touchedAt(path, unusable)
    if (touched !== undefined) {
      if (seen?.touched !== touched) {
        seen = { touched, since: Date.now() }
      }
      if (Date.now() - seen.since > ABANDONED_MS || (await isDead(path))) {
        await rm(path, { force: true }).catch((error) => {
          throw unusable('be cleared', error)
        })
        continue
      }
    }
    await sleep(options.pollMs ?? POLL_MS, undefined, defined({ signal })).catch(() => {
      throw options.cancelled()
    })
  }
}

/** Of the name itself, since a link that leads nowhere holds the name too; undefined when it is free again. */
async function touchedAt(path: string, unusable: LockFaults['unusable']): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw unusable('be read', error)
  }
}

async function create(path: string, holder: Holder, unusable: LockFaults['unusable']): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(JSON.stringify(holder))
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false
    }
    throw unusable('be written', error)
  }
}

/** True when the holder ran on this machine and is gone; saves the wait after a crash. */
async function isDead(path: string): Promise<boolean> {
  const holder = await readHolder(path)
  if (holder === undefined || holder.host !== hostname() || !Number.isInteger(holder.pid)) {
    return false
  }
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}
