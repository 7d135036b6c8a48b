/**
 * HTTP events of Lambda into Web requests and Web responses back: payload format 2.0 (function URL, HTTP API)
 * and 1.0 (REST API, load balancer).
 * Source: API Gateway developer guide, "AWS Lambda proxy integrations", and Lambda's, "Function URLs".
 */
import type { Connection } from '../../api/app.ts'

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
  requestContext?: { identity?: { sourceIp?: string; userArn?: string | null }; elb?: unknown }
}

/** What `boxlet` answers to both forms. */
export interface HttpResult {
  statusCode: number
  headers: Record<string, string>
  cookies?: string[]
  body: string
  isBase64Encoded: boolean
}

export interface WebCall {
  request: Request
  connection: Connection
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

export function isHttpV2(event: unknown): event is HttpEventV2 {
  if (!isObject(event) || typeof event.rawPath !== 'string' || !isObject(event.requestContext)) return false
  return isObject(event.requestContext.http) && typeof event.requestContext.http.method === 'string'
}

export const isHttpV1 = (event: unknown): event is HttpEventV1 =>
  isObject(event) && typeof event.httpMethod === 'string' && typeof event.path === 'string'

/** A function URL can stream its answer; API Gateway takes it whole. */
export const isFunctionUrl = (event: HttpEventV2): boolean =>
  (event.requestContext.domainName ?? '').includes('.lambda-url.')

export function webCallV2(event: HttpEventV2): WebCall {
  const { http, stage, authorizer } = event.requestContext
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) setHeader(headers, name, value)
  if (event.cookies !== undefined && event.cookies.length > 0) headers.set('cookie', event.cookies.join('; '))
  const query = event.rawQueryString ? `?${event.rawQueryString}` : ''
  const path = withoutStage(event.rawPath, stage)
  return webCall(http.method, path + query, headers, event, {
    clientAddress: http.sourceIp,
    principal: authorizer?.iam?.userArn,
  })
}

export function webCallV1(event: HttpEventV1): WebCall {
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers ?? {})) setHeader(headers, name, value)
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {}))
    setHeader(headers, name, values?.join(', '))
  const query = new URLSearchParams()
  const multi = event.multiValueQueryStringParameters
  for (const [name, value] of Object.entries(multi ?? event.queryStringParameters ?? {}))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, one)
  const target = query.size === 0 ? event.path : `${event.path}?${query}`
  const identity = event.requestContext?.identity
  return webCall(event.httpMethod, target, headers, event, {
    clientAddress: identity?.sourceIp,
    principal: identity?.userArn ?? undefined,
  })
}

function webCall(
  method: string,
  target: string,
  headers: Headers,
  event: { body?: string | null; isBase64Encoded?: boolean },
  caller: { clientAddress: string | undefined; principal: string | undefined },
): WebCall {
  const body =
    event.body === undefined || event.body === null || event.body === ''
      ? undefined
      : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8')
  // The host in front has set it from the encoded form; the application must see the size of the real body.
  if (body === undefined) headers.delete('content-length')
  else headers.set('content-length', String(body.length))
  const bodyless = method === 'GET' || method === 'HEAD'
  const request = new Request(new URL(target, `https://${headers.get('host') ?? 'lambda'}`), {
    method,
    headers,
    ...(body === undefined || bodyless ? {} : { body }),
  })
  const connection: Connection = { target }
  if (caller.clientAddress !== undefined) connection.clientAddress = caller.clientAddress
  if (caller.principal !== undefined) connection.principal = caller.principal
  // Signed requests of older clients carry a body with GET, which the Request class refuses to hold.
  if (body !== undefined && bodyless) connection.body = new Blob([body]).stream()
  return { request, connection }
}

/** Headers come from the network: a name or value that the Headers class refuses is left out. */
function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) return
  try {
    headers.set(name, value)
  } catch {
    // Nothing in the application reads such a header.
  }
}

/** An API with a named stage puts it in front of the path. */
function withoutStage(path: string, stage: string | undefined): string {
  if (stage === undefined || stage === '' || stage === '$default') return path
  if (path === `/${stage}`) return '/'
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path
}

const TEXT = /^(text\/|application\/(.+\+)?json|application\/(javascript|xml|yaml)|image\/svg)/

export async function httpResult(response: Response): Promise<HttpResult> {
  const { headers, cookies } = responseHead(response)
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = TEXT.test(headers['content-type'] ?? '') && headers['content-encoding'] === undefined
  return {
    statusCode: response.status,
    headers,
    ...(cookies.length === 0 ? {} : { cookies }),
    body: bytes.toString(text ? 'utf8' : 'base64'),
    isBase64Encoded: !text,
  }
}

export function responseHead(response: Response): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {}
  for (const [name, value] of response.headers) if (name !== 'set-cookie') headers[name] = value
  return { headers, cookies: response.headers.getSetCookie() }
}
