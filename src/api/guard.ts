import type { MiddlewareHandler } from 'hono'
import { BoxletError } from '../errors.ts'
import { untilAborted } from '../system/signals.ts'
import type { Admission } from './admission.ts'
import type { Authenticator, AuthRequest } from './auth/authenticator.ts'
import { declaredLength, readBody } from './body.ts'
import type { Ctx, Env } from './call.ts'
import { deadlineOf } from './connection.ts'
import { FormCount } from './form-bounds.ts'
import { JsonCount, REQUEST_BOUNDS } from './json-bounds.ts'
import type { Limits } from './options.ts'
import type { ReadTurns } from './read-turns.ts'

export interface GuardOptions {
  limits: Limits
  admission: Admission
  turns: ReadTurns
  auth: Authenticator | undefined
  /** Bodies above this are refused before they are read. */
  maxBytes: number
}

/**
 * What stands before every route that works: who the caller may be, a free place, the body within its limit,
 * who the caller is (a signature covers the body), and the deadline.
 */
export function guard({ limits, admission, turns, auth, maxBytes }: GuardOptions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const call = c.get('call')
    const declared = declaredLength(c.req.raw.headers)
    if (declared !== undefined && declared > maxBytes) {
      await readBody(null, declared, maxBytes, call.signal)
    }
    const headers = new Map([...c.req.raw.headers].map(([name, value]) => [name.toLowerCase(), value]))
    const checks = auth !== undefined && call.principal === undefined
    const deadlineMs = deadlineOf(c.env, limits)
    const gone = () => abortError(call.signal, deadlineMs)
    const head = { method: c.req.method, target: targetOf(c), headers }
    const address = c.env.clientAddress ?? 'unknown'
    const named = checks ? await untilAborted(auth.precheck(head), call.signal, gone) : undefined
    // Shares count by key where there is one, else by address. A key that is named but not proven yet counts for the
    // address too: whoever knows a name must not use up the share of its owner.
    call.caller =
      named === undefined
        ? (call.principal?.id ?? address)
        : named.isProven
          ? named.id
          : `${address} as ${named.id}`
    const stream = c.env.body === undefined ? c.req.raw.body : c.env.body
    const place = admission.enter(call.caller, call.cut)
    let request: AuthRequest | undefined
    const work = async () => {
      // A body that cannot be taken is refused as it comes, before megabytes of it are held.
      const count = maxBytes === limits.bodyBytes ? countOf(headers.get('content-type'), limits) : undefined
      const arrived = (piece: Uint8Array) => {
        place.grow(piece.byteLength)
        count?.add(piece)
      }
      const turn = () => turns.take(call.caller)
      const body = await readBody(stream, declared, maxBytes, call.signal, arrived, turn)
      c.set('body', body)
      if (checks) {
        request = { ...head, body }
        call.principal = await auth.authenticate(request)
        call.caller = call.principal.id
        place.belongTo(call.caller)
      }
      place.begin()
      await next()
    }
    // The place is given back when the work has ended, which may be later than the answer.
    const worked = work().finally(() => {
      place.leave()
      if (request !== undefined) {
        auth?.answered?.(request, c.res.status)
      }
    })
    await untilAborted(worked, call.signal, gone)
  }
}

/** What counts the parts of a body by its type. */
function countOf(type = '', limits: Limits): JsonCount | FormCount | undefined {
  // Not of JSON lines: each is bounded where it is read, and the lines behind one that is refused go on.
  if (/^application\/(.+\+)?json\s*(?:;|$)/i.test(type)) {
    return new JsonCount(REQUEST_BOUNDS)
  }
  // One file more than are allowed, so that their number is what is refused.
  return /^multipart\/form-data/i.test(type) ? new FormCount(type, limits.pictures + 1) : undefined
}

function abortError(signal: AbortSignal, deadlineMs: number): BoxletError {
  return signal.reason instanceof BoxletError
    ? signal.reason
    : new BoxletError(
        'ABORTED',
        `Expected the caller to wait up to ${deadlineMs} ms for the answer but it went away.`,
      )
}

function targetOf(c: Ctx): string {
  if (c.env.target !== undefined) {
    return c.env.target
  }
  const url = new URL(c.req.url)
  return url.pathname + url.search
}
