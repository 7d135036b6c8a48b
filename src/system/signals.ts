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
  let stop = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(reason())
    if (signal.aborted) {
      stop()
    } else {
      signal.addEventListener('abort', stop, { once: true })
    }
  })
  work.catch(() => {})
  try {
    return await Promise.race([aborted, work])
  } catch (error) {
    // What work throws because it was stopped says less than the reason.
    throw signal.aborted ? reason() : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
