import { isFinal, type JobState } from '../jobs/job.ts'
import type { JobView, ModelsView, PictureView } from '../jobs/view.ts'
import { ask, pages, type Send } from './ask.ts'
import { type ServicePicture, withPictures } from './pictures.ts'
import { queryOf } from './query.ts'
import { jobPictureOf, type ServiceJobPicture } from './results.ts'
import type { ServiceDetectOptions } from './service-options.ts'

/** Seconds that the service holds back its answer until something changes. */
const LONG_POLL_SECONDS = 20
/** Most pictures of a page that the service gives. */
const PAGE = 500

export interface SubmitOptions extends Omit<ServiceDetectOptions, 'altText'> {
  /** A word that several jobs share. */
  batch?: string
  /** Seconds for which the job and its results are kept. */
  ttl?: number
  /** Keeps an annotated copy of each picture. */
  annotate?: 'jpeg' | 'png' | 'webp'
  /** Address that hears of the end. */
  webhook?: string
  /** The same key with the same parameters gives the same job, so that a request may be repeated. */
  key?: string
}

/** A job with what was found in it. */
export interface ServiceJob extends JobView {
  summary: { labels: { label: string; pictures: number; objects: number }[] }
}

/** Detection that does not wait. */
export class ServiceJobs {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Submits pictures; gives the job at once. @throws BoxletError REQUEST_INVALID, OVERLOADED … */
  async submit(pictures: readonly ServicePicture[], options: SubmitOptions = {}): Promise<JobView> {
    const { key, signal, ...values } = options
    const parts = await withPictures(pictures)
    return ask(this.#send, `/v1/jobs?${queryOf(values)}`, {
      ...parts,
      method: 'POST',
      headers: { ...parts.headers, ...(key !== undefined && { 'idempotency-key': key }) },
      ...(signal && { signal }),
    })
  }

  /** @throws BoxletError JOB_NOT_FOUND */
  get(id: string): Promise<ServiceJob> {
    return ask(this.#send, at(id))
  }

  /** The job when it has ended. @throws BoxletError JOB_NOT_FOUND; the reason of the signal */
  async wait(id: string, { signal }: { signal?: AbortSignal } = {}): Promise<ServiceJob> {
    for (;;) {
      signal?.throwIfAborted()
      const job: ServiceJob = await ask(
        this.#send,
        `${at(id)}?wait=${LONG_POLL_SECONDS}`,
        signal && { signal },
      )
      if (isFinal(job.state)) {
        return job
      }
    }
  }

  /** Jobs, the newest first, page by page as they are asked for. */
  async *list(
    query: { state?: readonly JobState[]; batch?: string; since?: Date; until?: Date } = {},
  ): AsyncGenerator<JobView> {
    const read = (cursor?: string): Promise<{ jobs: JobView[]; cursor?: string }> =>
      ask(this.#send, `/v1/jobs?${queryOf({ ...query, cursor })}`)
    for await (const { jobs } of pages(read)) {
      yield* jobs
    }
  }

  /** Pictures of a job with their results, in their order, page by page as they are asked for. */
  async *pictures(
    id: string,
    query: { state?: readonly JobState[] } = {},
  ): AsyncGenerator<ServiceJobPicture> {
    const read = (
      cursor?: string,
    ): Promise<{ pictures: PictureView[]; models: ModelsView; cursor?: string }> =>
      ask(this.#send, `${at(id)}/pictures?${queryOf({ ...query, limit: PAGE, cursor })}`)
    for await (const { pictures } of pages(read)) {
      yield* pictures.map(jobPictureOf)
    }
  }

  /** Pictures that have not begun stay undone. */
  cancel(id: string): Promise<JobView> {
    return ask(this.#send, `${at(id)}/cancel`, { method: 'POST' })
  }

  /** Tries again what failed or was cancelled. */
  retry(id: string): Promise<JobView> {
    return ask(this.#send, `${at(id)}/retry`, { method: 'POST' })
  }
}

const at = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`
