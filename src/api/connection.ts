import type { Limits } from './options.ts'

/**
 * What a Web Request cannot say and the server in front of the application knows. All parts are optional,
 * so that `app.fetch(request)` works anywhere.
 */
export interface Connection {
  /** Address of the caller, for logs and for the share of one client. */
  clientAddress?: string
  /**
   * The body, where the server has it in a form of its own. A GET needs it, since the Web Request class refuses
   * to hold a body for one, and signed requests of older clients have it; a Node stream is also read faster.
   */
  body?: AsyncIterable<Uint8Array> | null
  /** The body as a JSON object, where the server has it parsed already; `POST /v1/detect` then reads no other. */
  document?: Readonly<Record<string, unknown>>
  /** Aborted when the caller goes away; the signal of the request otherwise. */
  signal?: AbortSignal
  /** Path and query as they stood on the wire, before URL parsing normalised them; signatures cover these. */
  target?: string
  /** Id of the request in the log of the platform in front; one is made where there is none. */
  requestId?: string
  /** Milliseconds that this call may take, where the platform ends it; in place of the limit of the service. */
  deadlineMs?: number
  /** Who the caller is, when the platform in front has authenticated it already (IAM on a function URL). */
  principal?: string
}

export const deadlineOf = (connection: Connection, limits: Limits): number =>
  connection.deadlineMs ?? limits.deadlineMs
