/** One request to a service, and its answer or its fault, free of any one runtime. */
import { BoxletError, ERROR_CODES, type ErrorCode } from '../errors.ts'

export interface RequestParts {
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array | FormData | Blob | string
  signal?: AbortSignal
}

/** Sends a request to the application: over the network, or straight into it. */
export type Send = (path: string, parts: RequestParts) => Promise<Response>

/**
 * The JSON that a service answers.
 *
 * @throws BoxletError with the code and the words of the service, URL_FAILED for an answer that is none of its
 */
export async function ask<T>(send: Send, path: string, parts: RequestParts = {}): Promise<T> {
  const response = await send(path, parts)
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

/** Pages one behind the other, until one names none that follows. */
export async function* pages<T extends { cursor?: string }>(
  read: (cursor: string | undefined) => Promise<T>,
): AsyncGenerator<T> {
  let cursor: string | undefined
  do {
    const page = await read(cursor)
    yield page
    cursor = page.cursor
  } while (cursor !== undefined)
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
    `Expected an answer of Boxlet but the service answered ${status}.`,
    hint,
  )
}
