import type { Detectors } from '../detector/detectors.ts'
import type { BlobStore } from '../jobs/blob-store.ts'
import type { Policy } from '../jobs/rules.ts'
import type { Authenticator } from './auth/authenticator.ts'
import type { TensorText } from './dialects/kserve/tensor-text.ts'
import type { JobOffer } from './jobs/offer.ts'

/** All limits of the application. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** Request body. Base64 makes a picture a third larger. */
  bodyBytes: number
  /** List of pictures as the body, or in the object store: a million lines that name one. */
  listBytes: number
  /** One encoded picture, however it came. */
  pictureBytes: number
  /** Pixels that one picture may declare; decoding needs three bytes for each. */
  pixels: number
  /** Pictures in one request. */
  pictures: number
  /** Requests that wait or run. Above it: 503 and Retry-After. */
  inFlight: number
  /** Requests whose body is still on its way. Above it: 503 and Retry-After. */
  reading: number
  /** Body bytes of all those together that have arrived, since they are held in memory. */
  inFlightBytes: number
  /** Requests of one key or address on their way or in work. Above it: 429 and Retry-After. */
  inFlightPerClient: number
  /** From the first byte of a request to its answer. */
  deadlineMs: number
  /** Fetching one picture by address. */
  fetchMs: number
  /** Body of a raw tensor request. */
  tensorBytes: number
}

const MIB = 1024 * 1024

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 32 * MIB,
  listBytes: 128 * MIB,
  pictureBytes: 20 * MIB,
  pixels: 2 ** 26,
  pictures: 16,
  inFlight: 64,
  reading: 256,
  inFlightBytes: 256 * MIB,
  inFlightPerClient: Number.POSITIVE_INFINITY,
  deadlineMs: 30_000,
  fetchMs: 10_000,
  tensorBytes: 64 * MIB,
}

/** One line of the log for each request. */
export interface RequestRecord {
  time: string
  requestId: string
  method: string
  /** The pattern, such as `/v1/models/:name`, so that it counts well and holds nothing of the caller's. */
  route: string
  status: number
  /** Milliseconds until the answer was ready. */
  duration: number
  client: string | undefined
  operation: string | undefined
  model: string | undefined
  pictures: number
  detections: number
  /** Stable error code, when there was one. */
  error: string | undefined
  /** What an INTERNAL error hides from the client. */
  cause: unknown
  /** Sums over the pictures of the request, milliseconds. */
  stages: Record<string, number>
}

/** Counts and times; the Node server keeps Prometheus metrics behind it. */
export interface Observer {
  request(record: RequestRecord): void
  /** Text for `GET /metrics`, with its content type. */
  render?(): Promise<{ contentType: string; body: string }>
}

/** Files of the playground page, by path from the root, such as `/` or `/assets/page.js`. */
export interface Page {
  get(path: string): Promise<{ contentType: string; body: Uint8Array; immutable: boolean } | undefined>
}

/** Fetches a picture by address, refusing private networks. */
export type FetchPicture = (
  url: string,
  options: { maxBytes: number; timeoutMs: number; signal: AbortSignal },
) => Promise<Uint8Array>

export interface AppOptions {
  detectors: Detectors
  /** Without one every caller is let in: for a loopback address or behind a front that has checked already. */
  auth?: Authenticator
  limits?: Partial<Limits>
  /** Enables S3 objects as pictures. */
  blobStore?: BlobStore
  /** What moderation labels come from. */
  policy?: Policy
  /** Enables detection that does not wait. */
  jobs?: JobOffer
  /** Enables addresses as pictures. */
  fetchPicture?: FetchPicture
  observer?: Observer
  page?: Page
  /** Reads and writes tensors as text; in place by default. */
  tensorText?: TensorText
  /** Origins that a browser may call from; `*` for all. None by default. */
  corsOrigins?: readonly string[]
  /** Host names that an unauthenticated service answers to; guards it against pages that rebind names. */
  hosts?: readonly string[]
  /** `service`: Rekognition's own limits on sizes and formats; `boxlet`: only the limits above. */
  rekognitionLimits?: 'service' | 'boxlet'
  /** Shown in the OpenAPI document. */
  version?: string
  now?: () => number
}
