import type { BoxletError } from '../errors.ts'
import { untilAborted } from '../system/signals.ts'

/**
 * Gives work a share of time. Does not wait for work that ignores its signal, as a picture that hangs in a library
 * does.
 *
 * @param ms undefined for as long as `outer` lets it
 * @throws what `outer` was aborted with, or `late`
 */
export async function within<T>(
  ms: number | undefined,
  outer: AbortSignal,
  late: () => BoxletError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted()
  const own = new AbortController()
  const stop = (): void => own.abort(outer.reason)
  const timer = ms === undefined ? undefined : setTimeout(() => own.abort(late()), ms)
  outer.addEventListener('abort', stop, { once: true })
  try {
    return await untilAborted(work(own.signal), own.signal)
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', stop)
  }
}

export interface BatchOptions<Task> {
  read(task: Task, signal: AbortSignal): Promise<Uint8Array>
  /** Works on one picture; what it throws goes to `failed`. */
  one(task: Task, bytes: Promise<Uint8Array>, signal: AbortSignal): Promise<void>
  /** @param tried false where there was no time left to begin it */
  failed(task: Task, error: unknown, tried: boolean): void
  /** Milliseconds until the platform ends the call. */
  remainingMs(): number
  /** Kept for the answer. */
  answerMs: number
  late(): BoxletError
}

/**
 * Works on a batch of pictures, one after the other, and ends before the platform would end the call. One picture gets
 * at most half of the time that is left while others wait, so that a hanging one does not take them along. The next
 * picture comes over the network while one runs; more at once would only fill the memory.
 */
export async function runBatch<Task>(tasks: readonly Task[], options: BatchOptions<Task>): Promise<void> {
  const { late } = options
  const end = new AbortController()
  const usableMs = (): number => Math.max(0, options.remainingMs() - options.answerMs)
  const timer = setTimeout(() => end.abort(late()), usableMs())
  const read = (task: Task | undefined): Promise<Uint8Array> | undefined => {
    if (task === undefined || end.signal.aborted) {
      return undefined
    }
    const bytes = options.read(task, end.signal)
    bytes.catch(() => {})
    return bytes
  }
  try {
    let next = read(tasks[0])
    let longestMs = 0
    for (const [index, task] of tasks.entries()) {
      const bytes = next ?? Promise.reject(late())
      bytes.catch(() => {})
      // One that is as slow as the slowest would only be cut off, and count as tried.
      if (end.signal.aborted || usableMs() < longestMs) {
        end.abort(late())
        options.failed(task, end.signal.reason, false)
        continue
      }
      next = read(tasks[index + 1])
      const started = Date.now()
      const last = index + 1 === tasks.length
      try {
        await within(last ? undefined : usableMs() / 2, end.signal, late, (signal) =>
          options.one(task, bytes, signal),
        )
        longestMs = Math.max(longestMs, Date.now() - started)
      } catch (error) {
        options.failed(task, error, true)
      }
    }
  } finally {
    clearTimeout(timer)
    // Pictures that are still on their way are of no use to anyone.
    end.abort(late())
  }
}
