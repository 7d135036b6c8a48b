import type { NativeDetection, NativeFound } from '../../src/formats/native.ts'

/** The same documents as `boxlet detect --format json`. */
export type Detection = NativeDetection
export type Found = Pick<NativeFound, 'width' | 'height' | 'detections' | 'timings'>

/** A detection as the page lists it. */
export interface Shown {
  detection: Detection
  /** Place in the answer of the service, which does not change while a person filters. */
  index: number
}

export interface Result extends Found {
  /** The whole answer, as it came. */
  document: unknown
  /** Milliseconds from sending to the last byte of the answer, as the page saw it. */
  roundTrip: number
  /** Milliseconds that the picture waited for a worker. */
  queue: number
}

export interface ModelEntry {
  name: string
  default: boolean
}

export interface Model {
  name: string
  family: string
  sha256: string
  licence: string | null
  contract: Record<string, unknown> & {
    thresholds: { score: number }
    input: { size: { width: number; height: number }; colour: string; dtype: string; layout: string }
    labels: (string | null)[]
    suppression: { kind: string; iou: number }
    task: string
  }
  evidence: { about: string; conclusion: string; because: string }[]
}

export class ApiError extends Error {
  /** Of HTTP; 0 where there was no answer. */
  readonly status: number
  readonly hint: string | undefined
  constructor(status: number, message: string, hint: string | undefined) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

export const asApiError = (problem: unknown): ApiError =>
  problem instanceof ApiError ? problem : new ApiError(0, String(problem), undefined)

/** The service is asked once for all that it can see; the page filters from there on. */
export const LEAST_SCORE = 0.05

/** What a service is asked for beside its model; absent where the model decides. */
export interface Options {
  iou?: number
  maxDetections?: number
  slice?: boolean
}

/** Bytes, or an address that the service fetches. */
export type Source = Blob | { url: string }

let key = ''
/** Kept for this page alone: a key in the browser's storage outlives the person who typed it. */
export const useKey = (given: string): void => {
  key = given.trim()
}

export const hasKey = (): boolean => key !== ''

/** @throws ApiError when there is no answer or it is no success */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (key !== '') {
    headers.set('authorization', `Bearer ${key}`)
  }
  let response: Response
  try {
    response = await fetch(path, { ...init, headers })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') {
      throw error
    }
    throw new ApiError(0, 'The service does not answer.', 'Is it still running?')
  }
  if (response.ok) {
    return response
  }
  const body = (await response.json().catch(() => ({}))) as { error?: { message?: string; hint?: string } }
  throw new ApiError(response.status, body.error?.message ?? `Status ${response.status}.`, body.error?.hint)
}

export const listModels = async (): Promise<ModelEntry[]> => (await (await call('/v1/models')).json()).models

export const getModel = async (name: string): Promise<Model> =>
  (await call(`/v1/models/${encodeURIComponent(name)}`)).json()

/** The query of a request, as the page sends it and as the code panel shows it. */
export const queryOf = (given: Record<string, string | number | boolean | undefined>): string =>
  new URLSearchParams(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  ).toString()

const post = (source: Source, query: string, accept: string, signal?: AbortSignal): Promise<Response> =>
  call(`/v1/detect?${query}`, {
    method: 'POST',
    body: source instanceof Blob ? source : JSON.stringify(source),
    headers: {
      accept,
      'content-type': source instanceof Blob ? source.type || 'application/octet-stream' : 'application/json',
    },
    ...(signal && { signal }),
  })

export async function detect(
  source: Source,
  options: Options & { model: string; minScore: number },
  signal: AbortSignal,
): Promise<Result> {
  const started = performance.now()
  const response = await post(source, queryOf({ ...options }), 'application/json', signal)
  const document = (await response.json()) as { images: [Found] }
  const queue = /queue;dur=([\d.]+)/.exec(response.headers.get('server-timing') ?? '')?.[1]
  return {
    ...document.images[0],
    document,
    roundTrip: performance.now() - started,
    queue: Number(queue ?? 0),
  }
}

/** The picture as the service draws it. A least score of 1 draws nothing: the picture in a format that browsers show. */
export async function drawn(
  source: Source,
  options: Options & { model: string; minScore: number; classes?: string | undefined },
): Promise<Blob> {
  return (await post(source, queryOf({ ...options }), 'image/jpeg')).blob()
}
