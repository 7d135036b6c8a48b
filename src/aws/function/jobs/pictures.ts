/** Messages of the queue of pictures: pictures of jobs, and pictures that arrived in the bucket. */
import type { DetectorLike } from '../../../detector/types.ts'
import { BoxletError, toBoxletError } from '../../../errors.ts'
import { type NativeImage, nativeModel } from '../../../formats/native.ts'
import { Attempt, type Worked } from '../../../jobs/attempt.ts'
import { JOB_DEFAULTS } from '../../../jobs/defaults.ts'
import type { PictureOutcome } from '../../../jobs/job.ts'
import type { StartedPicture, StoredModel } from '../../../jobs/job-store.ts'
import { messageOf, refOf } from '../../../jobs/message.ts'
import type { Message } from '../../../jobs/queue.ts'
import { Slots } from '../../../jobs/slots.ts'
import type { Workplace } from '../../../jobs/work.ts'
import { putInOrder } from '../../clients/s3-in-order.ts'
import type { AwsJobHome } from '../../jobs/home.ts'
import { parsed, picturesIn } from '../sources/notification.ts'
import type { Task } from '../sources/source.ts'
import { arrivalJob, mayRead } from './arrival.ts'
import { BatchQueue, messagesOf } from './batch-queue.ts'

/** Of one picture; S3 objects may be larger than a request can be. */
const MAX_PICTURE_BYTES = 50 * 2 ** 20
/** Kept for the answer, and to give back what there was no time for. */
const ANSWER_MS = 3000
/** One is detected while the next is read. */
const AT_ONCE = 2
/** One that comes again may be what its worker did not survive, or a neighbour of it: it comes last and alone. */
const SUSPECT_RECEIVES = 2

export interface PictureBatchOptions {
  home: AwsJobHome
  detector(): Promise<DetectorLike>
  remainingMs(): number
  /** Also writes the result of a picture that arrived: the object of its result. Undefined where none is wanted. */
  resultOf?(ref: Task['ref']): { bucket: string; key: string } | undefined
  announce(): Promise<void>
  measured(pictures: number, detections: number, stages: Record<string, number>): void
  failed(message: string, error: BoxletError): void
}

/** @returns the answer for SQS: the messages that come again */
export async function workOnPictures(
  records: readonly unknown[],
  options: PictureBatchOptions,
): Promise<unknown> {
  const { home, remainingMs, failed } = options
  const queue = new BatchQueue(home.pictures)
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(outOfTime()), Math.max(0, remainingMs() - ANSWER_MS))
  const messages = messagesOf(records)
  // A picture that hangs is counted, and leaves time for the others.
  const pictureMs = Math.min(JOB_DEFAULTS.pictureMs, Math.max(1000, (remainingMs() - ANSWER_MS) / 2))
  let ended = false
  const attempt = new Attempt({
    ...home,
    pictures: queue,
    workplace: workplace(options),
    slots: new Slots(1),
    pictureMs,
    now: Date.now,
    onPicture: (started, outcome) => onPicture(started, outcome, options),
    onEnded: () => {
      ended = true
    },
  })
  const worked: Worked[] = []
  const one = async (message: Message): Promise<void> => {
    try {
      if (end.signal.aborted) {
        await queue.giveBack(message, { delayMs: 0, unused: true })
        return
      }
      for (const body of await picturesOf(message, home, options)) {
        const done = await attempt.work({ ...message, body }, end.signal)
        worked.push(...(done === undefined ? [] : [done]))
      }
    } catch (error) {
      failed('message', toBoxletError(error))
      await queue.keep(message)
    }
  }
  /** What is worked on is known to the store once for all, since each transaction has a price. */
  const settle = async (): Promise<void> => {
    const some = worked.splice(0)
    try {
      await attempt.settle(some)
    } catch (error) {
      failed('outcomes', toBoxletError(error))
      await Promise.all(some.map(({ message }) => queue.keep(message)))
    }
  }
  try {
    await inTurn(
      messages.filter(({ receives }) => receives < SUSPECT_RECEIVES),
      one,
    )
    await settle()
    for (const message of suspectsOf(messages)) {
      await one(message)
      await settle()
    }
  } finally {
    clearTimeout(timer)
  }
  if (ended) {
    await options.announce().catch((error: unknown) => failed('announce', toBoxletError(error)))
  }
  return queue.answer
}

/** Forwards and backwards by turns, so that each gets its chance before the one that ends its worker. */
function suspectsOf(messages: readonly Message[]): Message[] {
  const suspects = messages.filter(({ receives }) => receives >= SUSPECT_RECEIVES)
  const turn = Math.max(0, ...suspects.map(({ receives }) => receives)) % 2 === 0 ? 1 : -1
  return suspects.sort((a, b) => (a.id < b.id ? -turn : turn))
}

async function inTurn(messages: readonly Message[], one: (message: Message) => Promise<void>): Promise<void> {
  const left = [...messages]
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await one(next)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** Bodies that name a picture each. What arrived in the bucket becomes a job first, once. */
async function picturesOf(
  message: Message,
  home: AwsJobHome,
  options: PictureBatchOptions,
): Promise<string[]> {
  if (refOf(message.body) !== undefined) {
    return [message.body]
  }
  const bodies: string[] = []
  const tasks = picturesIn(parsed(message.body))
  for (const [index, task] of tasks.entries()) {
    const isVersion = task.sequencer !== undefined
    const job = arrivalJob(task, options.resultOf?.(task.ref) !== undefined)
    if (!isVersion) {
      // The message is all that tells that it is the same picture when it comes again.
      job.key = { key: `message/${message.id}/${index}`, fingerprint: `${task.ref.bucket}/${task.ref.key}` }
    }
    const [accepted] = await home.store.accept([job])
    if (accepted === undefined || !('job' in accepted)) {
      continue
    }
    const ref = { tenant: job.tenant, job: accepted.job.id, n: 0 }
    if (isVersion && tasks.length === 1) {
      // This message is its message.
      bodies.push(messageOf(ref))
    } else {
      await home.pictures.send([{ body: messageOf(ref), group: job.tenant }])
    }
    await home.store.sent([{ ref }])
  }
  return bodies
}

function workplace({ home, detector }: PictureBatchOptions): Workplace {
  return {
    read: async (source, signal, tenant) => {
      if (source.kind === 'blob') {
        const isOurs = !source.owned && source.ref.bucket === home.bucket
        if (isOurs && !mayRead(source.ref.key, tenant)) {
          // As if it were not there: what others have is nobody's business.
          throw new BoxletError('IMAGE_NOT_FOUND', 'Expected an object in S3 but there is none of that name.')
        }
        const store = source.owned ? home.blobs : home.objects
        return store.get(source.ref, { maxBytes: MAX_PICTURE_BYTES, signal })
      }
      if (source.kind === 'url') {
        const { fetchImage } = await import('../../../image/fetch/fetch-url.ts')
        return fetchImage(source.url, { maxBytes: MAX_PICTURE_BYTES, signal })
      }
      throw source.kind === 'none'
        ? new BoxletError(source.error.code, source.error.message)
        : new BoxletError(
            'IMAGE_NOT_FOUND',
            'Expected an object or an address but the picture is a file elsewhere.',
          )
    },
    detector: async (model) => {
      const loaded = await detector()
      if (model !== undefined && model !== loaded.model.name) {
        throw new BoxletError(
          'MODEL_NOT_FOUND',
          'Expected the model of this function but the job asks for another.',
        )
      }
      return loaded
    },
    draw: async (bytes, { detections }, format) => {
      const { drawDetections } = await import('../../../image/draw/draw.ts')
      return (await drawDetections(bytes, detections, { format })) as Uint8Array
    },
    keep: (bytes) => home.blobs.keep(bytes),
    saveModel: (key, model) => saveOnce(home, key, model),
  }
}

const saved = new Set<string>()
async function saveOnce(home: AwsJobHome, key: string, model: StoredModel): Promise<void> {
  const name = `${home.name} ${key}`
  if (!saved.has(name)) {
    await home.store.saveModel(key, model)
    saved.add(name)
  }
}

async function onPicture(
  { picture, options: { besides }, sequencer }: StartedPicture,
  outcome: PictureOutcome,
  { home, detector, resultOf, measured, failed }: PictureBatchOptions,
): Promise<void> {
  if (outcome.state === 'succeeded') {
    const { image } = outcome.found
    const { decode, prepare, run, boxes } = image.timings
    measured(1, image.detections.length, { decode, prepare, run, boxes })
  } else {
    failed('picture', new BoxletError(outcome.error.code, outcome.error.message))
  }
  const { source } = picture
  const ref = besides === 'picture' && source.kind === 'blob' ? resultOf?.(source.ref) : undefined
  if (ref !== undefined) {
    const name = picture.name
    const image: NativeImage =
      outcome.state === 'succeeded'
        ? { ...outcome.found.image, altText: outcome.found.altText }
        : { source: name, error: outcome.error }
    const text = JSON.stringify({ model: nativeModel((await detector()).model), images: [image] })
    const bytes = Buffer.from(text)
    const settings = { contentType: 'application/json' }
    await (sequencer === undefined
      ? home.objects.put(ref, bytes, settings)
      : putInOrder(home.objects, ref, bytes, sequencer, settings))
  }
}

const outOfTime = (): BoxletError =>
  new BoxletError('TIMEOUT', 'Expected the picture to be done before the function ends but it took longer.', {
    hint: 'Raise the timeout of the function, or send fewer pictures in a batch.',
  })
