import type * as v from 'valibot'
import type { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import type { errorAnswer } from './answer-schema.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { kserveError } from './dialects/kserve/answer-schema.ts'
import { rekognitionError } from './dialects/rekognition/errors.ts'
import { mayRetry, RETRY_AFTER_SECONDS, statusOf } from './http-status.ts'

/** A known protocol, or the form of one of the dialects. */
export type Protocol = 'native' | 'rekognition' | 'kserve' | NonNullable<Dialect['errors']>

/** Which protocol's error form a caller expects, known before any route is looked up. */
export function protocolOf(path: string, headers: Headers): Protocol {
  if (path === '/' && headers.has('x-amz-target')) {
    return 'rekognition'
  }
  return path === '/v2' || path.startsWith('/v2/') ? 'kserve' : 'native'
}

/** An error as the caller's protocol writes it. Holds the code, message and hint only: no stack, path or secret. */
export function errorResponse(error: BoxletError, protocol: Protocol, requestId: string): Response {
  const headers = new Headers()
  if (mayRetry(error)) {
    headers.set('retry-after', String(RETRY_AFTER_SECONDS))
  }
  if (error.code === 'UNAUTHENTICATED') {
    headers.set('www-authenticate', 'Bearer realm="boxlet"')
  }
  const allow = error.details?.allow
  if (typeof allow === 'string') {
    headers.set('allow', allow)
  }
  if (protocol === 'rekognition') {
    return rekognitionError(error, requestId, headers)
  }
  headers.set('content-type', 'application/json')
  if (protocol === 'kserve') {
    const body: v.InferOutput<typeof kserveError> = { error: error.message }
    return new Response(JSON.stringify(body), { status: nativeStatus(error), headers })
  }
  if (typeof protocol === 'object') {
    return new Response(JSON.stringify(protocol.body(error)), { status: nativeStatus(error), headers })
  }
  const { code, message, hint } = error
  const body: v.InferOutput<typeof errorAnswer> = {
    error: { code, message, ...defined({ hint }), requestId },
  }
  return new Response(JSON.stringify(body), { status: nativeStatus(error), headers })
}

/** `details` may settle what a code alone leaves open; they are for the service and are not sent. */
function nativeStatus(error: BoxletError): number {
  if (error.details?.scope === 'client') {
    return 429
  }
  const { status } = error.details ?? {}
  return typeof status === 'number' ? status : statusOf(error)
}
