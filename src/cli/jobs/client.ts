import { ask, pages, type RequestParts, type Send } from '../../client/ask.ts'
import type { LabelTotal } from '../../jobs/job-store.ts'
import type { FoundView, JobView, ModelsView, PictureView } from '../../jobs/view.ts'

export interface JobDetails extends JobView {
  summary: { labels: LabelTotal[] }
}

export interface PicturesPage {
  pictures: PictureView[]
  models: ModelsView
  cursor?: string
}

export interface FoundPage {
  pictures: FoundView[]
  models: ModelsView
  cursor?: string
}

/** The HTTP API of jobs, as the command line uses it on a service and on a store of its own alike. */
export class JobsClient {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  submit(query: URLSearchParams, parts: RequestParts): Promise<JobView> {
    return this.#ask(`/v1/jobs?${query}`, { ...parts, method: 'POST' })
  }

  list(query: URLSearchParams): Promise<{ jobs: JobView[]; cursor?: string }> {
    return this.#ask(`/v1/jobs?${query}`)
  }

  /** @param wait seconds until a change, at most */
  show(id: string, wait = 0): Promise<JobDetails> {
    return this.#ask(`/v1/jobs/${encodeURIComponent(id)}?wait=${wait}`)
  }

  pictures(id: string, query: URLSearchParams): Promise<PicturesPage> {
    return this.#ask(`/v1/jobs/${encodeURIComponent(id)}/pictures?${query}`)
  }

  cancel(id: string): Promise<JobView> {
    return this.#ask(`/v1/jobs/${encodeURIComponent(id)}/cancel`, { method: 'POST' })
  }

  retry(id: string): Promise<JobView> {
    return this.#ask(`/v1/jobs/${encodeURIComponent(id)}/retry`, { method: 'POST' })
  }

  redrive(): Promise<{ pictures: number; webhooks: number }> {
    return this.#ask('/v1/jobs/redrive', { method: 'POST' })
  }

  search(query: URLSearchParams): Promise<FoundPage> {
    return this.#ask(`/v1/search?${query}`)
  }

  /** All pictures of a job, page by page. */
  async *allPictures(id: string, state?: string): AsyncGenerator<PicturesPage> {
    const query = new URLSearchParams({ limit: '500', ...(state !== undefined && { state }) })
    yield* pages((cursor) => this.pictures(id, withCursor(query, cursor)))
  }

  /** All that a search finds, page by page. */
  async *allFound(query: URLSearchParams): AsyncGenerator<FoundPage> {
    yield* pages((cursor) => this.search(withCursor(query, cursor)))
  }

  #ask<T>(path: string, parts?: RequestParts): Promise<T> {
    return ask(this.#send, path, parts)
  }
}

function withCursor(query: URLSearchParams, cursor: string | undefined): URLSearchParams {
  const copy = new URLSearchParams(query)
  if (cursor !== undefined) {
    copy.set('cursor', cursor)
  }
  return copy
}
