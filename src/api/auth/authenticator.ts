/** A caller that has been let in. */
export interface Principal {
  /** Public identifier of the key, for logs. */
  id: string
  kind: 'bearer' | 'sigv4' | 'platform'
}

/** What there is to check. The body has been read, within its limit, because a signature covers it. */
export interface AuthRequest {
  method: string
  /** Path and query as on the wire. */
  target: string
  /** Lower-case names. */
  headers: ReadonlyMap<string, string>
  body: Uint8Array
}

export interface Authenticator {
  /**
   * Cheap part, before the body is read: the credentials name a known key, whose identifier is returned.
   *
   * @throws BoxletError UNAUTHENTICATED
   */
  precheck(headers: ReadonlyMap<string, string>): Promise<string>
  /** @throws BoxletError UNAUTHENTICATED; `details.reason` holds what an AWS client wants to know */
  authenticate(request: AuthRequest): Promise<Principal>
  /** Called with the answer, so that a refused or failed call may be sent again as it was. */
  settled?(request: AuthRequest, status: number): void
}
