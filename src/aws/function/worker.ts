/** Pictures in S3 to results in S3, for the events of every source. */

import type { DetectorLike } from '../../detector/types.ts'
import { BoxletError, type ErrorKind, toBoxletError } from '../../errors.ts'
import { type NativeImage, nativeFailed, nativeFound, nativeModel } from '../../formats/native.ts'
import type { BlobPutOptions, BlobRef, BlobStore } from '../../jobs/blob-store.ts'
import { runBatch } from '../../jobs/deadline.ts'
import type { Environment } from '../../system/environment.ts'
import type { EventSource, Task } from './sources/source.ts'

/** Of one picture; S3 objects may be larger than a request can be. */
const MAX_PICTURE_BYTES = 50 * 2 ** 20
/** Errors that another try may mend; all others are written as the result. */
const PASSING: readonly ErrorKind[] = ['unavailable', 'internal', 'refused']
/** Kept for the answer: a batch that Lambda ends comes again as a whole, and so do its good messages. */
const ANSWER_MS = 1500

export interface WorkerOptions {
  detector(): Promise<DetectorLike>
  blobs: BlobStore
  /**
   * Writes a result unless one of a later event lies there. Default: writes it.
   *
   * @param sequencer hexadecimal, greater for a later event of the same key
   */
  putInOrder?(ref: BlobRef, bytes: Uint8Array, sequencer: string, options: BlobPutOptions): Promise<void>
  /** Bucket of the results. Default: that of the picture. */
  resultBucket: string | undefined
  resultPrefix: string
  /** Milliseconds until Lambda ends the call. */
  remainingMs(): number
  measured(pictures: number, detections: number, stages: Record<string, number>): void
  failed(message: string, error: BoxletError, ref?: BlobRef): void
}

export function workerSettings(env: Environment): Pick<WorkerOptions, 'resultBucket' | 'resultPrefix'> {
  const resultPrefix = env.BOXLET_RESULT_PREFIX ?? 'results/'
  if (resultPrefix === '' && env.BOXLET_RESULT_BUCKET === undefined) {
    throw new BoxletError(
      'CONFIG_INVALID',
      'Expected a prefix or a bucket of its own for results but received neither.',
    )
  }
  return { resultBucket: env.BOXLET_RESULT_BUCKET, resultPrefix }
}

/**
 * Detects in each picture and writes `PREFIX + key + ".json"`. The same picture gives the same key, so that a
 * message that comes twice does no harm. Stops before Lambda would end the call, and one picture gets at most half
 * of the time that is left while others wait, so that a hanging one does not take them along. What was not begun
 * comes again at once; what failed, once the source lets it.
 *
 * @returns the answer of the source, such as the messages to try again
 */
export async function work(event: unknown, source: EventSource, options: WorkerOptions): Promise<unknown> {
  const list = source.tasksOf(event)
  const again = new Set<string>()
  const untried = new Set<string>()
  let failure: BoxletError | undefined
  for (const { messageId, reason } of list.unreadable) {
    options.failed('message', reason)
    if (messageId === undefined) {
      failure = reason
    } else {
      again.add(messageId)
    }
  }
  const giveBack = (task: Task, error: unknown): void => {
    const known = toBoxletError(error)
    options.failed('picture', known, task.ref)
    if (task.messageId === undefined) {
      failure = known
    } else {
      again.add(task.messageId)
    }
  }
  const wanted: Task[] = []
  for (const task of list.tasks) {
    try {
      if (!isResult(task.ref, options)) {
        wanted.push(task)
      }
    } catch (error) {
      giveBack(task, error)
    }
  }
  await runBatch(wanted, {
    read: (task, signal) => options.blobs.get(task.ref, { maxBytes: MAX_PICTURE_BYTES, signal }),
    one: (task, bytes, signal) => one(task, bytes, options, signal),
    failed: (task, error, tried) => {
      giveBack(task, error)
      if (!tried && task.messageId !== undefined) {
        untried.add(task.messageId)
      }
    },
    remainingMs: () => options.remainingMs(),
    answerMs: ANSWER_MS,
    late: outOfTime,
  })
  if (untried.size > 0) {
    // Without it they come too, only later, so that this may neither fail nor hold the answer up.
    await source
      .soon?.(event, untried, AbortSignal.timeout(Math.max(1, options.remainingMs() - ANSWER_MS / 2)))
      .catch((error: unknown) => options.failed('give back', toBoxletError(error)))
  }
  return source.answer({ again: [...again], failure })
}

const outOfTime = (): BoxletError =>
  new BoxletError('TIMEOUT', 'Expected the picture to be done before the function ends but it took longer.', {
    hint: 'Raise the timeout of the function, or send fewer pictures in a batch.',
  })

/**
 * A result that triggered again would do so for ever; Lambda's own guard stops it only after 16 rounds.
 *
 * @throws BoxletError CONFIG_INVALID where pictures and results cannot be told apart
 */
function isResult(ref: BlobRef, { resultBucket = ref.bucket, resultPrefix }: WorkerOptions): boolean {
  if (ref.bucket !== resultBucket) {
    return false
  }
  if (resultPrefix === '') {
    throw new BoxletError(
      'CONFIG_INVALID',
      'Expected results apart from pictures but both are in one bucket without a prefix.',
      { hint: 'Set BOXLET_RESULT_PREFIX, or BOXLET_RESULT_BUCKET to another bucket.' },
    )
  }
  return ref.key.startsWith(resultPrefix)
}

async function one(
  task: Task,
  reading: Promise<Uint8Array>,
  options: WorkerOptions,
  signal: AbortSignal,
): Promise<void> {
  const detector = await options.detector()
  const source = `s3://${task.ref.bucket}/${task.ref.key}`
  let image: NativeImage
  try {
    const result = await detector.detect(await reading, { signal })
    image = nativeFound(source, result)
    const { decode, prepare, run, boxes } = result.timings
    options.measured(1, result.detections.length, { decode, prepare, run, boxes })
  } catch (error) {
    const known = toBoxletError(error)
    if (signal.aborted || PASSING.includes(known.kind)) {
      throw known
    }
    image = nativeFailed(source, known)
    options.failed('picture', known, task.ref)
  }
  const { resultBucket = task.ref.bucket, resultPrefix } = options
  const ref = { bucket: resultBucket, key: `${resultPrefix}${task.ref.key}.json` }
  const text = JSON.stringify({ model: nativeModel(detector.model), images: [image] })
  const bytes = Buffer.from(text)
  const settings = { contentType: 'application/json', signal }
  if (task.sequencer !== undefined && options.putInOrder !== undefined) {
    await options.putInOrder(ref, bytes, task.sequencer, settings)
  } else {
    await options.blobs.put(ref, bytes, settings)
  }
}
