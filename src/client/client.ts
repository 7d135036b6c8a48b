import { BoxletError, toBoxletError } from '../errors.ts'
import type { NativeReport } from '../formats/native.ts'
import type { FoundView, ModelsView } from '../jobs/view.ts'
import { ask, pages, type Send } from './ask.ts'
import { ServiceJobs } from './jobs.ts'
import { type ServicePicture, withPictures } from './pictures.ts'
import { queryOf } from './query.ts'
import { jobPictureOf, resultOf, type ServiceFoundPicture, type ServiceResult } from './results.ts'
import type { ServiceDetectOptions } from './service-options.ts'

/** Most pictures of a page that the service gives. */
const PAGE = 500

export interface ClientOptions {
  /** A key of the service, from `boxlet keys create`. */
  key?: string
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>>
  /** In place of the global `fetch`, for a proxy, retries or tests. */
  fetch?: (address: string, init: RequestInit) => Promise<Response>
}

/** What a search may ask for: all of it has to hold. */
export interface SearchQuery {
  /** All of these labels have to be there. */
  label?: readonly string[]
  /** None of these may be there. */
  without?: readonly string[]
  /** Lowest score of each object that counts. */
  minScore?: number
  /** Objects of each label: `2`, `>=2`, `<3`. */
  count?: string
  /** SHA-256 of the model file, or its beginning. */
  model?: string
  verdict?: 'deny' | 'review'
  uncertain?: boolean
  since?: Date
  until?: Date
}

/** A model that is served. */
export interface ServiceModel {
  name: string
  /** Taken where a request names none. */
  default: boolean
  family: string
  sha256: string
  licence: string | null
  title: string
  task: string
  /** How many it knows. */
  classes: number
}

/**
 * A Boxlet service, asked over HTTP, in Node and in browsers. Results have the shapes of the library, so that code can
 * change from one to the other.
 *
 * ```ts
 * const boxlet = new BoxletClient('http://127.0.0.1:8080')
 * const { detections } = await boxlet.detect(file, { minScore: 0.5 })
 * ```
 */
export class BoxletClient {
  /** Detection that does not wait. */
  readonly jobs: ServiceJobs
  readonly #send: Send

  /**
   * @param address of the service, such as `http://127.0.0.1:8080`, with the path that it is mounted at
   * @throws BoxletError USAGE
   */
  constructor(address: string | URL, options: ClientOptions = {}) {
    this.#send = sender(address, options)
    this.jobs = new ServiceJobs(this.#send)
  }

  /**
   * Finds objects in one picture.
   *
   * @throws BoxletError with the code of the service; URL_FAILED where it does not answer, ABORTED
   */
  async detect(picture: ServicePicture, options?: ServiceDetectOptions): Promise<ServiceResult>
  /** Finds objects in several pictures. The first bad one rejects the call. */
  async detect(pictures: readonly ServicePicture[], options?: ServiceDetectOptions): Promise<ServiceResult[]>
  async detect(
    given: ServicePicture | readonly ServicePicture[],
    options: ServiceDetectOptions = {},
  ): Promise<ServiceResult | ServiceResult[]> {
    const pictures = Array.isArray(given) ? (given as readonly ServicePicture[]) : [given as ServicePicture]
    if (pictures.length === 0) {
      return []
    }
    const { signal, ...values } = options
    const { model, images } = await ask<NativeReport>(this.#send, `/v1/detect?${queryOf(values)}`, {
      ...(await withPictures(pictures)),
      method: 'POST',
      ...(signal && { signal }),
    })
    const results = images.map((image) => resultOf(image, model))
    return Array.isArray(given) ? results : results[0]!
  }

  /** Models that are served. */
  async models(): Promise<ServiceModel[]> {
    const { models } = await ask<{ models: ServiceModel[] }>(this.#send, '/v1/models')
    return models
  }

  /** Pictures of all jobs that hold what is asked for, the newest first, page by page as they are asked for. */
  async *search(query: SearchQuery): AsyncGenerator<ServiceFoundPicture> {
    const read = (cursor?: string): Promise<{ pictures: FoundView[]; models: ModelsView; cursor?: string }> =>
      ask(this.#send, `/v1/search?${queryOf({ ...query, limit: PAGE, cursor }, ['label', 'without'])}`)
    for await (const { pictures } of pages(read)) {
      yield* pictures.map(jobPictureOf)
    }
  }
}

function sender(address: string | URL, options: ClientOptions): Send {
  const { key, headers: own, fetch: send = globalThis.fetch } = options
  const base = String(address).replace(/\/+$/, '')
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) {
    throw new BoxletError(
      'USAGE',
      'Expected the http or https address of a service but received another text.',
    )
  }
  return async (path, { headers, ...parts }) => {
    try {
      return await send(base + path, {
        ...(parts as RequestInit),
        headers: { ...own, ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      })
    } catch (cause) {
      if (parts.signal?.aborted) {
        throw toBoxletError(cause)
      }
      throw new BoxletError('URL_FAILED', 'Expected an answer of the service but it cannot be reached.', {
        cause,
        hint: 'Does it run, at this address? A browser asks only services that allow its origin: boxlet serve --cors.',
      })
    }
  }
}
