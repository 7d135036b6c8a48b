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
  /** Only in events of an HTTP API, whose path begins with a named stage. */
  version?: string
  /** Of a REST API: what its path is in the API, such as `/{proxy+}`. */
  resource?: string
  pathParameters?: Record<string, string | undefined> | null
  headers?: Record<string, string | undefined> | null
  multiValueHeaders?: Record<string, string[] | undefined> | null
  queryStringParameters?: Record<string, string | undefined> | null
  multiValueQueryStringParameters?: Record<string, string[] | undefined> | null
  body?: string | null
  isBase64Encoded?: boolean
  requestContext?: {
    /** As the caller has sent it, with the stage and the base path of a custom domain. */
    path?: string
    stage?: string
    identity?: { sourceIp?: string; userArn?: string | null } | null
    elb?: unknown
  }
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

/**
 * @param basePath that a custom domain puts in front of our paths; empty for none
 * @throws BoxletError REQUEST_INVALID for a path that no address can hold, IMAGE_FORMAT for a picture that the gateway
 * has turned into text
 */
export function webCallV2(event: HttpEventV2, basePath = ''): WebCall {
  const { http, stage, authorizer } = event.requestContext
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    setHeader(headers, name, value)
  }
  if (event.cookies !== undefined && event.cookies.length > 0) {
    setHeader(headers, 'cookie', event.cookies.join('; '))
  }
  const query = event.rawQueryString ? `?${event.rawQueryString}` : ''
  const path = { sent: event.rawPath, own: without(basePath, withoutStage(event.rawPath, stage)) }
  return webCall(http.method, path, query, headers, event, {
    clientAddress: http.sourceIp,
    principal: authorizer?.iam?.userArn,
  })
}

/** As `webCallV2`. */
export function webCallV1(event: HttpEventV1, basePath = ''): WebCall {
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    setHeader(headers, name, value)
  }
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) {
    setHeader(headers, name, values?.join(', '))
  }
  const identity = event.requestContext?.identity
  const balanced = isLoadBalancer(event)
  const path = {
    sent: (balanced ? undefined : event.requestContext?.path) ?? event.path,
    own: without(basePath, pathV1(event)),
  }
  return webCall(event.httpMethod, path, queryV1(event), headers, event, {
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
  path: { sent: string; own: string },
  query: string,
  headers: Headers,
  event: { body?: string | null; isBase64Encoded?: boolean },
  caller: { clientAddress: string | undefined; principal: string | undefined },
): WebCall {
  expectBytes(event, headers)
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
  const request = new Request(addressOf(path.own, query, headers.get('host')), {
    method,
    headers,
    ...(body === undefined || bodyless ? {} : { body }),
  })
  const connection: Connection = { target: path.sent + query }
  if (caller.clientAddress !== undefined) {
    connection.clientAddress = caller.clientAddress
  }
  // An empty text names nobody.
  if (caller.principal) {
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

/**
 * A REST API leaves the stage out of the path, and an HTTP API does not. A resource that takes every path tells what
 * is ours of it, and so what a custom domain has put in front.
 */
function pathV1({ path, version, resource, pathParameters, requestContext }: HttpEventV1): string {
  const own = pathParameters?.proxy
  if (resource === '/{proxy+}' && own !== undefined && path.endsWith(`/${own}`)) {
    return `/${own}`
  }
  return version === '1.0' ? withoutStage(path, requestContext?.stage) : path
}

function without(basePath: string, path: string): string {
  const base = basePath.replace(/^\/+|\/+$/g, '')
  return base === '' ? path : withoutStage(path, base)
}

/** A gateway that takes bytes for text puts this in the place of each one that is no part of a letter. */
const LOST = '\uFFFD'
/** So many are no slip of a caller's own: a picture of a few pixels has dozens. */
const MANY_LOST = 4

/** @throws BoxletError IMAGE_FORMAT for bytes that were lost on the way, which nothing brings back */
function expectBytes(
  { body, isBase64Encoded }: { body?: string | null; isBase64Encoded?: boolean },
  headers: Headers,
): void {
  if (isBase64Encoded || !body || /^(application\/json|text\/)/.test(headers.get('content-type') ?? '')) {
    return
  }
  if (body.split(LOST, MANY_LOST + 1).length <= MANY_LOST) {
    return
  }
  throw new BoxletError(
    'IMAGE_FORMAT',
    'Expected the bytes of a picture but received text, into which the gateway in front has turned them.',
    {
      hint: 'Add */* to the binary media types of the API (binaryMediaTypes) and deploy its stage again, or send the picture as base64 in JSON.',
    },
  )
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
