/** Jobs of a function: what its application offers, and what its events of queues and schedules are for. */
import type { JobOffer } from '../../../api/jobs/offer.ts'
import { checkWebhook, webhookPoster } from '../../../api/jobs/post-webhook.ts'
import type { DetectorLike } from '../../../detector/types.ts'
import { type BoxletError, toBoxletError } from '../../../errors.ts'
import { sendUnsent } from '../../../jobs/feeder.ts'
import { JobService } from '../../../jobs/service.ts'
import type { Environment } from '../../../system/environment.ts'
import { isRecord } from '../../../system/record.ts'
import { type AwsJobHome, openAwsHome } from '../../jobs/home.ts'
import { eventKindsOf, type JobPlaces } from '../../jobs/places.ts'
import { recordsOf } from '../sources/source.ts'
import { LOOK, look, workOnChores } from './chores.ts'
import { workOnPictures } from './pictures.ts'
import { uploadForm } from './upload-form.ts'

const PUBLIC_HTTPS = { allowHttp: false, allowPrivate: false }

export interface FunctionCall {
  detector(): Promise<DetectorLike>
  remainingMs(): number
  measured(pictures: number, detections: number, stages: Record<string, number>): void
  failed(message: string, error: BoxletError): void
}

export class FunctionJobs {
  readonly #env: Environment
  readonly #places: JobPlaces
  readonly #home: AwsJobHome

  constructor(env: Environment, places: JobPlaces) {
    this.#env = env
    this.#places = places
    this.#home = openAwsHome(places, eventKindsOf(env))
  }

  offer(failed: FunctionCall['failed']): JobOffer {
    const home = this.#home
    return {
      service: new JobService(home.store, home.pictures, () => this.#accepted(failed)),
      bus: home.bus,
      keep: (bytes) => home.blobs.keep(bytes),
      kept: (ref) => home.blobs.get(ref),
      keepCopy: (ref) => home.blobs.keepCopy(ref),
      uploadForm: (tenant, name) => uploadForm({ env: this.#env, bucket: this.#places.bucket, tenant, name }),
      anyModel: true,
      checkWebhook: (url) => void checkWebhook(url, PUBLIC_HTTPS),
    }
  }

  /**
   * Works on the messages and schedules of jobs.
   *
   * @returns undefined for an event that is none of them
   */
  async handle(event: unknown, call: FunctionCall): Promise<{ answer: unknown } | undefined> {
    const home = this.#home
    const chores = { ...call, home, post: webhookPoster(PUBLIC_HTTPS) }
    if (isRecord(event) && event.source === 'aws.events' && event['detail-type'] === 'Scheduled Event') {
      await look(chores)
      return { answer: null }
    }
    const records = recordsOf(event, 'aws:sqs')
    const [first] = records ?? []
    if (records === undefined || !isRecord(first)) {
      return undefined
    }
    if (nameIn(String(first.eventSourceARN), ':') === nameIn(this.#places.chores, '/')) {
      return { answer: await workOnChores(records, chores) }
    }
    const { BOXLET_RESULT_PREFIX: prefix, BOXLET_JOBS_RESULTS: results } = this.#env
    return {
      answer: await workOnPictures(records, {
        ...call,
        home,
        // One at a time tells, or every worker would tell of the same ends.
        announce: () => home.webhooks.send([{ body: LOOK }]),
        ...(results === 's3' && {
          resultOf: ({ bucket, key }) => ({ bucket, key: `${prefix ?? 'results/'}${key}.json` }),
        }),
      }),
    }
  }

  /** What is accepted stays so whatever happens here: the schedule does what was not done. */
  async #accepted(failed: FunctionCall['failed']): Promise<void> {
    const { store, pictures, webhooks } = this.#home
    try {
      const [unread, more] = [await store.unread(1), await sendUnsent(store, pictures)]
      if (unread.length > 0 || more) {
        await webhooks.send([{ body: LOOK }])
      }
    } catch (error) {
      failed('feed', toBoxletError(error))
    }
  }
}

const nameIn = (address: string, separator: string): string =>
  address.slice(address.lastIndexOf(separator) + 1)
