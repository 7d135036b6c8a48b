/** Pictures in S3 to results in S3, for events of S3, SQS and EventBridge. */
import type { DetectorLike } from '../../detector-types.ts'
import { BoxletError, type ErrorKind, toBoxletError } from '../../errors.ts'
import { type NativeImage, nativeFailed, nativeFound, nativeModel } from '../../formats/native.ts'
import type { BlobRef, BlobStore } from '../../jobs/blob-store.ts'
import { type Task, type TaskList, tasksOf } from './events.ts'
import type { Environment } from './open-model.ts'

/** Of one picture; S3 objects may be larger than a request can be. */
const MAX_PICTURE_BYTES = 50 * 2 ** 20
/** Errors that another try may mend; all others are written as the result. */
const PASSING: readonly ErrorKind[] = ['unavailable', 'internal', 'refused']

export interface WorkerOptions {
  detector(): Promise<DetectorLike>
  blobs: BlobStore
  /** Bucket of the results. Default: that of the picture. */
  resultBucket: string | undefined
  resultPrefix: string
  measured(pictures: number, detections: number, stages: Record<string, number>): void
  failed(message: string, error: BoxletError, ref?: BlobRef): void
}

export interface BatchResponse {
  batchItemFailures: { itemIdentifier: string }[]
}

export function workerSettings(env: Environment): Pick<WorkerOptions, 'resultBucket' | 'resultPrefix'> {
  const resultPrefix = env.BOXLET_RESULT_PREFIX ?? 'results/'
  if (resultPrefix === '' && env.BOXLET_RESULT_BUCKET === undefined)
    throw new BoxletError(
      'CONFIG_INVALID',
      'Expected a prefix or a bucket of its own for results but received neither.',
    )
  return { resultBucket: env.BOXLET_RESULT_BUCKET, resultPrefix }
}

/**
 * Detects in each picture and writes `PREFIX + key + ".json"`. The same picture gives the same key, so that a
 * message that comes twice does no harm.
 *
 * @returns messages to try again; without messages, a failure is thrown and S3 tries the event again
 */
export async function work(event: unknown, options: WorkerOptions): Promise<BatchResponse> {
  const list = tasksOf(event)
  const again = new Set<string>()
  for (const { messageId, reason } of list.unreadable) {
    options.failed('message', reason)
    again.add(messageId)
  }
  let failure: BoxletError | undefined
  for (const { task, bytes } of readAhead(list, options)) {
    try {
      await one(task, bytes, options)
    } catch (error) {
      const known = toBoxletError(error)
      options.failed('picture', known, task.ref)
      if (task.messageId === undefined) failure = known
      else again.add(task.messageId)
    }
  }
  if (failure !== undefined) throw failure
  return { batchItemFailures: [...again].map((itemIdentifier) => ({ itemIdentifier })) }
}

/** The next picture comes over the network while this one runs; more at once would only fill the memory. */
function* readAhead(
  { tasks }: TaskList,
  { blobs, resultPrefix }: WorkerOptions,
): Generator<{ task: Task; bytes: Promise<Uint8Array> }> {
  const wanted = tasks.filter(({ ref }) => !isResult(ref, resultPrefix))
  const read = (task: Task | undefined): Promise<Uint8Array> | undefined => {
    const bytes = task === undefined ? undefined : blobs.get(task.ref, { maxBytes: MAX_PICTURE_BYTES })
    bytes?.catch(() => {})
    return bytes
  }
  let next = read(wanted[0])
  for (const [index, task] of wanted.entries()) {
    const bytes = next!
    next = read(wanted[index + 1])
    yield { task, bytes }
  }
}

/** A result that triggered again would do so for ever; Lambda's own guard stops it only after 16 rounds. */
const isResult = (ref: BlobRef, prefix: string): boolean => prefix !== '' && ref.key.startsWith(prefix)

async function one(task: Task, reading: Promise<Uint8Array>, options: WorkerOptions): Promise<void> {
  const detector = await options.detector()
  const source = `s3://${task.ref.bucket}/${task.ref.key}`
  let image: NativeImage
  try {
    const result = await detector.detect(await reading)
    image = nativeFound(source, result)
    const { decode, prepare, run, boxes } = result.timings
    options.measured(1, result.detections.length, { decode, prepare, run, boxes })
  } catch (error) {
    const known = toBoxletError(error)
    if (PASSING.includes(known.kind)) throw known
    image = nativeFailed(source, known)
    options.failed('picture', known, task.ref)
  }
  const { resultBucket = task.ref.bucket, resultPrefix } = options
  const ref = { bucket: resultBucket, key: `${resultPrefix}${task.ref.key}.json` }
  const text = JSON.stringify({ model: nativeModel(detector.model), images: [image] })
  await options.blobs.put(ref, Buffer.from(text), { contentType: 'application/json' })
}
