/** What waits for each signal. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back when the signal is aborted. However many wait for it, the signal has one listener: Node takes more than ten
 * for a leak and warns, while a request of sixteen pictures waits as often for the signal of its caller.
 *
 * @returns takes the call back
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined || signal.aborted) {
    return () => {}
  }
  const calls = waiting.get(signal) ?? new Set()
  if (calls.size === 0) {
    waiting.set(signal, calls)
    signal.addEventListener('abort', callAll, { once: true })
  }
  calls.add(call)
  return () => {
    if (calls.delete(call) && calls.size === 0) {
      signal.removeEventListener('abort', callAll)
    }
  }
}

function callAll(this: AbortSignal): void {
  const calls = [...(waiting.get(this) ?? [])]
  waiting.delete(this)
  for (const call of calls) {
    call()
  }
}

/**
 * The result of the work, or the reason of the signal once it is aborted. Work that ignores the signal goes on, and what
 * comes of it is dropped.
 *
 * @param reason the error in place of the signal's own reason
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  reason: () => unknown = () => signal.reason,
): Promise<T> {
  let forget = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(reason())
    if (signal.aborted) {
      stop()
    } else {
      forget = onAbort(signal, stop)
    }
  })
  work.catch(() => {})
  try {
    return await Promise.race([aborted, work])
  } catch (error) {
    // What work throws because it was stopped says less than the reason.
    throw signal.aborted ? reason() : error
  } finally {
    forget()
  }
}
