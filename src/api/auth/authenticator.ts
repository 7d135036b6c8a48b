/** A caller that has been let in. */
export interface Principal {
  /** Public identifier of the key, for logs. */
  id: string
  kind: 'bearer' | 'sigv4' | 'platform'
}

/** What there is to check before the body is read. */
export interface AuthHead {
  method: string
  /** Path and query as on the wire. */
  target: string
  /** Lower-case names. */
  headers: ReadonlyMap<string, string>
}

/** What there is to check. The body has been read, within its limit, because a signature covers it. */
export interface AuthRequest extends AuthHead {
  body: Uint8Array
}

/** A key that a request names, and whether it is proven that the caller has it. */
export interface NamedKey {
  id: string
  /** False for a signature over a body that has not come yet and whose hash was not sent ahead. */
  isProven: boolean
}

export interface Authenticator {
  /**
   * The part before the body is read: the credentials name a known key, and prove it where they can.
   *
   * @throws BoxletError UNAUTHENTICATED
   */
  precheck(head: AuthHead): Promise<NamedKey>
  /** @throws BoxletError UNAUTHENTICATED; `details.reason` holds what an AWS client wants to know */
  authenticate(request: AuthRequest): Promise<Principal>
  /** Called with the answer, so that a refused or failed call may be sent again as it was. */
  answered?(request: AuthRequest, status: number): void
}
