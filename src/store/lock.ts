/**
 * A lock file, so that processes that want the same model fetch it once. It only saves work: files are put in
 * place by an atomic rename, so that even two holders at once, which the rules for abandoned locks cannot
 * exclude entirely, end with one whole file.
 */
import { randomUUID } from 'node:crypto'
import { lstat, open, readFile, rm, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoxletError } from '../errors.ts'
import { unwritable } from './cache.ts'

/** The holder touches the lock this often. */
const BEAT_MS = 1_000
/** A lock that nobody touched for this long, by the waiter's own clock, is abandoned. */
const ABANDONED_MS = 6_000
const POLL_MS = 200

interface Holder {
  pid: number
  host: string
  id: string
}

/** Runs `work` while holding the lock; `onWait` is called once if another process has it. */
export async function withLock<T>(
  path: string,
  options: { signal?: AbortSignal | undefined; onWait?: (() => void) | undefined },
  work: () => Promise<T>,
): Promise<T> {
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

async function acquire(
  path: string,
  holder: Holder,
  options: { signal?: AbortSignal | undefined; onWait?: (() => void) | undefined },
): Promise<void> {
  let seen: { touched: number; since: number } | undefined
  for (;;) {
    if (options.signal?.aborted) {
      throw cancelled()
    }
    if (await create(path, holder)) {
      return
    }
    if (seen === undefined) {
      options.onWait?.()
    }
    const touched = await touchedAt(path)
    if (touched !== undefined) {
      if (seen?.touched !== touched) {
        seen = { touched, since: Date.now() }
      }
      if (Date.now() - seen.since > ABANDONED_MS || (await isDead(path))) {
        await rm(path, { force: true }).catch((error) => {
          throw unwritable('be cleared', error)
        })
        continue
      }
    }
    await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => {
        throw cancelled()
      },
    )
  }
}

/** Of the name itself, since a link that leads nowhere holds the name too; undefined when it is free again. */
async function touchedAt(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw unwritable('be read', error)
  }
}

const cancelled = (): BoxletError =>
  new BoxletError('ABORTED', 'Expected the download to begin but it was cancelled.', {
    hint: 'Nothing was kept; the next use starts it again.',
  })

async function create(path: string, holder: Holder): Promise<boolean> {
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
    throw unwritable('be written', error)
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
