/** HTTP events as AWS's services send them to a function. */
const CALLER = 'arn:aws:iam::123456789012:user/alice'

export interface HttpParts {
  headers?: Record<string, string | null>
  query?: string
  body?: string
  isBase64Encoded?: boolean
  /** Whom IAM has let in; null where the service does not ask IAM. */
  caller?: string | null
  domain?: string
}

function formatTwo(method: string, path: string, parts: HttpParts, domain: string): Record<string, unknown> {
  const { headers = {}, query = '', caller = CALLER, body, isBase64Encoded } = parts
  const authorizer =
    caller === null ? {} : { authorizer: { iam: { userArn: caller, accountId: '123456789012' } } }
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: {
      host: domain,
      'content-type': 'image/jpeg',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-amzn-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793',
      ...headers,
    },
    requestContext: {
      accountId: '123456789012',
      domainName: domain,
      stage: '$default',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      ...authorizer,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: isBase64Encoded ?? false,
  }
}

export const functionUrl = (method: string, path: string, parts: HttpParts = {}) =>
  formatTwo(method, path, parts, parts.domain ?? 'x.lambda-url.eu-west-1.on.aws')

export const httpApi = (method: string, path: string, parts: HttpParts = {}) =>
  formatTwo(method, path, parts, parts.domain ?? 'x.execute-api.eu-west-1.amazonaws.com')

export function restApi(method: string, path: string, parts: HttpParts = {}): Record<string, unknown> {
  const { headers = {}, caller = CALLER, body = null, isBase64Encoded = false } = parts
  const all: Record<string, string | null> = { Host: 'x.execute-api.eu-west-1.amazonaws.com', ...headers }
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    requestContext: { stage: 'prod', identity: { sourceIp: '192.0.2.1', userArn: caller } },
    body,
    isBase64Encoded,
  }
}

/** A load balancer with lists of headers; it never asks IAM. */
export function loadBalancer(method: string, path: string, parts: HttpParts = {}): Record<string, unknown> {
  const { headers = {}, body = '', isBase64Encoded = false } = parts
  const all: Record<string, string | null> = {
    host: 'lb.example',
    'x-forwarded-for': '192.0.2.1',
    ...headers,
  }
  return {
    requestContext: {
      elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/x/1' },
    },
    httpMethod: method,
    path,
    multiValueQueryStringParameters: {},
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    body,
    isBase64Encoded,
  }
}

/** Head and body of a streamed HTTP answer. */
export function streamed(payload: Uint8Array): {
  head: { statusCode: number; headers: Record<string, string> }
  body: Buffer
} {
  const bytes = Buffer.from(payload)
  const at = bytes.indexOf(Buffer.alloc(8))
  return { head: JSON.parse(bytes.subarray(0, at).toString()), body: bytes.subarray(at + 8) }
}

export const parse = <T>(payload: Uint8Array): T => JSON.parse(Buffer.from(payload).toString('utf8')) as T

export interface Native {
  model: { name: string }
  images: { detections: { label: string; box: number[] }[] }[]
}

export const labelsOf = ({ images }: Native): string[] =>
  images[0]?.detections.map(({ label }) => label) ?? []

export interface Whole {
  statusCode: number
  headers: Record<string, string>
  body: string
  isBase64Encoded: boolean
}
