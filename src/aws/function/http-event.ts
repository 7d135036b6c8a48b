/**
 * HTTP events of Lambda into Web requests: payload format 2.0 (function URL, HTTP API)
 * and 1.0 (REST API, load balancer).
 * Source: API Gateway developer guide, "AWS Lambda proxy integrations", and Lambda's, "Function URLs".
 */

import type { Connection } from '../../api/connection.ts'
import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'

export interface HttpEventV2 {
  version: '2.0'
  rawPath: string
  rawQueryString?: string
  headers?: Record<string, string | undefined>
  cookies?: string[]
  body?: string
  isBase64Encoded?: boolean
  requestContext: {
    domainName?: string
    stage?: string
    requestId?: string
    http: { method: string; sourceIp?: string }
    authorizer?: { iam?: { userArn?: string; accessKey?: string } }
  }
}

export interface HttpEventV1 {
  httpMethod: string
  path: string
  headers?: Record<string, string | undefined> | null
  multiValueHeaders?: Record<string, string[] | undefined> | null
  queryStringParameters?: Record<string, string | undefined> | null
  multiValueQueryStringParameters?: Record<string, string[] | undefined> | null
  body?: string | null
  isBase64Encoded?: boolean
  requestContext?: { identity?: { sourceIp?: string; userArn?: string | null } | null; elb?: unknown }
}

export interface WebCall {
  request: Request
  connection: Connection
}

/** Stands where no name of a host is known; nothing is sent to it. */
export const UNKNOWN_HOST = 'lambda'

export function isHttpV2(event: unknown): event is HttpEventV2 {
  if (!isRecord(event) || typeof event.rawPath !== 'string' || !isRecord(event.requestContext)) {
    return false
  }
  return isRecord(event.requestContext.http) && typeof event.requestContext.http.method === 'string'
}

export const isHttpV1 = (event: unknown): event is HttpEventV1 =>
  isRecord(event) && typeof event.httpMethod === 'string' && typeof event.path === 'string'

/** A load balancer sends format 1.0 too, but encodes, answers and counts in ways of its own. */
export const isLoadBalancer = (event: HttpEventV1): boolean => isRecord(event.requestContext?.elb)

/** A function URL can stream its answer; API Gateway takes it whole. */
export const isFunctionUrl = (event: HttpEventV2): boolean =>
  (event.requestContext.domainName ?? '').includes('.lambda-url.')

/** @throws BoxletError REQUEST_INVALID for a path that no address can hold */
export function webCallV2(event: HttpEventV2): WebCall {
  const { http, stage, authorizer } = event.requestContext
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    setHeader(headers, name, value)
  }
  if (event.cookies !== undefined && event.cookies.length > 0) {
    setHeader(headers, 'cookie', event.cookies.join('; '))
  }
  const query = event.rawQueryString ? `?${event.rawQueryString}` : ''
  return webCall(http.method, withoutStage(event.rawPath, stage), query, headers, event, {
    clientAddress: http.sourceIp,
    principal: authorizer?.iam?.userArn,
  })
}

/** @throws BoxletError REQUEST_INVALID for a path that no address can hold */
export function webCallV1(event: HttpEventV1): WebCall {
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    setHeader(headers, name, value)
  }
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) {
    setHeader(headers, name, values?.join(', '))
  }
  const identity = event.requestContext?.identity
  const balanced = isLoadBalancer(event)
  return webCall(event.httpMethod, event.path, queryV1(event), headers, event, {
    // A load balancer tells the address in a header only, to which it appends what it has seen itself.
    clientAddress: balanced ? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : identity?.sourceIp,
    principal: balanced ? undefined : (identity?.userArn ?? undefined),
  })
}

/** API Gateway hands over decoded names and values, a load balancer those on the wire. */
function queryV1(event: HttpEventV1): string {
  const asIs = (text: string): string => text
  // Not URLSearchParams: its plus for a blank is another byte than clients sign.
  const encoded = isLoadBalancer(event) ? asIs : encodeQueryPart
  const pairs: string[] = []
  const multi = event.multiValueQueryStringParameters
  for (const [name, value] of Object.entries(multi ?? event.queryStringParameters ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string') {
        pairs.push(`${encoded(name)}=${encoded(one)}`)
      }
    }
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** Half of a surrogate pair, which a forged event may hold, makes encodeURIComponent throw. */
const encodeQueryPart = (text: string): string =>
  encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))

function webCall(
  method: string,
  path: string,
  query: string,
  headers: Headers,
  event: { body?: string | null; isBase64Encoded?: boolean },
  caller: { clientAddress: string | undefined; principal: string | undefined },
): WebCall {
  const body =
    event.body === undefined || event.body === null || event.body === ''
      ? undefined
      : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8')
  // The host in front has set it from the encoded form; the application must see the size of the real body.
  if (body === undefined) {
    headers.delete('content-length')
  } else {
    headers.set('content-length', String(body.length))
  }
  const bodyless = method === 'GET' || method === 'HEAD'
  const request = new Request(addressOf(path, query, headers.get('host')), {
    method,
    headers,
    ...(body === undefined || bodyless ? {} : { body }),
  })
  const connection: Connection = { target: path + query }
  if (caller.clientAddress !== undefined) {
    connection.clientAddress = caller.clientAddress
  }
  if (caller.principal !== undefined) {
    connection.principal = caller.principal
  }
  // Signed requests of older clients carry a body with GET, which the Request class refuses to hold.
  if (body !== undefined && bodyless) {
    connection.body = new Blob([body]).stream()
  }
  return { request, connection }
}

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$/i

/**
 * Path and host come from anyone. The path is never resolved against a base, where `//name` would be another
 * host and `//[` no address at all; a host that is none gives way to a name.
 */
function addressOf(path: string, query: string, host: string | null): string {
  // Some hosts decode the path, after which these two no longer part it from a query.
  const escaped = path.replaceAll('?', '%3F').replaceAll('#', '%23')
  const address = (name: string): string => `https://${name}${escaped}${query.replaceAll('#', '%23')}`
  if (!path.startsWith('/')) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a path that begins with a slash but received another.')
  }
  const given = address(host !== null && HOST.test(host) ? host : UNKNOWN_HOST)
  return URL.canParse(given) ? given : address(UNKNOWN_HOST)
}

/** Headers come from the network: a name or value that the Headers class refuses is left out. */
function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) {
    return
  }
  try {
    headers.set(name, value)
  } catch {
    // Nothing in the application reads such a header.
  }
}

/** An API with a named stage puts it in front of the path. */
function withoutStage(path: string, stage: string | undefined): string {
  if (stage === undefined || stage === '' || stage === '$default') {
    return path
  }
  if (path === `/${stage}`) {
    return '/'
  }
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path
}
