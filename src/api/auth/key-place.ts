import type { Authenticator, AuthHead, AuthRequest } from './authenticator.ts'

/** Where clients of another service put their key. Only the places that they use: a key in a query lands in logs. */
export interface KeyPlace {
  /** Name in the query. */
  query?: string
  /** The key in the body, if there is one. */
  body?(request: AuthRequest): Promise<string | undefined>
}

/** Of a caller whose key can only be known when the body is there; what it holds counts for its address. */
const IN_BODY = { id: 'key in body', isProven: false }

/** The same keys, looked for in the headers first and then where such clients put them. */
export function keysIn(auth: Authenticator, { query, body }: KeyPlace): Authenticator {
  const inHead = (head: AuthHead): AuthHead | undefined => {
    if (head.headers.has('authorization') || head.headers.has('x-api-key')) {
      return head
    }
    const key = query === undefined ? undefined : queryOf(head.target).get(query)
    return key === undefined || key === null ? undefined : withKey(head, key)
  }
  return {
    async precheck(head) {
      const keyed = inHead(head)
      return keyed === undefined && body !== undefined ? IN_BODY : auth.precheck(keyed ?? head)
    },
    async authenticate(request) {
      if (inHead(request) !== undefined) {
        return auth.authenticate({ ...request, ...inHead(request) })
      }
      const key = await body?.(request)
      return auth.authenticate(key === undefined ? request : withKey(request, key))
    },
    answered: (request, status) => auth.answered?.(request, status),
  }
}

const withKey = <T extends AuthHead>(head: T, key: string): T => ({
  ...head,
  headers: new Map([...head.headers, ['x-api-key', key]]),
})

const queryOf = (target: string): URLSearchParams =>
  new URLSearchParams(target.includes('?') ? target.slice(target.indexOf('?') + 1) : '')
