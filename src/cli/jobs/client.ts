import { BoxletError, ERROR_CODES, type ErrorCode } from '../../errors.ts'
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

export interface RequestParts {
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array | FormData | string
  signal?: AbortSignal
}

/** Sends a request to the application: over the network, or straight into it. */
export type Send = (path: string, parts: RequestParts) => Promise<Response>

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

  redrive(): Promise<{ pictures: number }> {
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

  async #ask<T>(path: string, parts: RequestParts = {}): Promise<T> {
    const response = await this.#send(path, parts)
    const text = await response.text()
    let answer: unknown
    try {
      answer = JSON.parse(text)
    } catch {
      throw new BoxletError(
        'URL_FAILED',
        `Expected JSON from the service but it answered ${response.status}.`,
        {
          hint: 'Is it the address of a Boxlet service, without a path?',
        },
      )
    }
    if (!response.ok) {
      throw serviceError(response.status, answer)
    }
    return answer as T
  }
}

async function* pages<T extends { cursor?: string }>(
  read: (cursor: string | undefined) => Promise<T>,
): AsyncGenerator<T> {
  let cursor: string | undefined
  do {
    const page = await read(cursor)
    yield page
    cursor = page.cursor
  } while (cursor !== undefined)
}

function withCursor(query: URLSearchParams, cursor: string | undefined): URLSearchParams {
  const copy = new URLSearchParams(query)
  if (cursor !== undefined) {
    copy.set('cursor', cursor)
  }
  return copy
}

/** The service's own words, under its own code. */
function serviceError(status: number, answer: unknown): BoxletError {
  const { error } = answer as { error?: { code?: unknown; message?: unknown; hint?: unknown } }
  if (typeof error?.code === 'string' && Object.hasOwn(ERROR_CODES, error.code)) {
    return new BoxletError(error.code as ErrorCode, String(error.message), {
      ...(typeof error.hint === 'string' && { hint: error.hint }),
    })
  }
  const hint =
    status === 404
      ? { hint: 'Does the service offer jobs? It does unless it was started with --no-jobs.' }
      : {}
  return new BoxletError(
    'URL_FAILED',
    `Expected an answer about jobs but the service answered ${status}.`,
    hint,
  )
}
