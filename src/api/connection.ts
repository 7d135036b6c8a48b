/**
 * What a Web Request cannot say and the server in front of the application knows. All parts are optional,
 * so that `app.fetch(request)` works anywhere.
 */
export interface Connection {
  /** Address of the caller, for logs and for the share of one client. */
  clientAddress?: string
  /**
   * Body of a GET. The Web Request class refuses to hold one, but signed requests of older clients have it.
   */
  body?: ReadableStream<Uint8Array> | null
  /** Path and query as they stood on the wire, before URL parsing normalised them; signatures cover these. */
  target?: string
  /** Who the caller is, when the platform in front has authenticated it already (IAM on a function URL). */
  principal?: string
}
