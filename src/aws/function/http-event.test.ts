import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHttpV1, isHttpV2, webCallV1, webCallV2 } from './http-event.ts'

describe('HTTP events', () => {
  it('keep path, query, headers, cookies and body of format 2.0', async () => {
    const event = {
      version: '2.0' as const,
      rawPath: '/prod/v1/detect',
      rawQueryString: 'minScore=0.5&classes=a%2Cb',
      headers: { host: 'example.org', 'content-type': 'image/jpeg', 'content-length': '4' },
      cookies: ['a=1', 'b=2'],
      body: Buffer.from([255, 0, 1]).toString('base64'),
      isBase64Encoded: true,
      requestContext: {
        stage: 'prod',
        http: { method: 'POST', sourceIp: '192.0.2.1' },
        authorizer: { iam: { userArn: 'arn:x' } },
      },
    }
    expect(isHttpV2(event)).toBe(true)
    const { request, connection } = webCallV2(event)
    expect(request.url).toBe('https://example.org/v1/detect?minScore=0.5&classes=a%2Cb')
    expect(request.headers.get('content-length')).toBe('3')
    expect(request.headers.get('cookie')).toBe('a=1; b=2')
    expect(new Uint8Array(await request.arrayBuffer())).toEqual(new Uint8Array([255, 0, 1]))
    expect(connection).toEqual({
      target: '/v1/detect?minScore=0.5&classes=a%2Cb',
      clientAddress: '192.0.2.1',
      principal: 'arn:x',
    })
  })

  it('carry a body with GET beside the request', async () => {
    const { request, connection } = webCallV1({
      httpMethod: 'GET',
      path: '/yolambda',
      headers: { Host: 'h' },
      body: '{"a":1}',
    })
    expect(request.method).toBe('GET')
    const pieces: Uint8Array[] = []
    for await (const piece of connection.body as AsyncIterable<Uint8Array>) {
      pieces.push(piece)
    }
    expect(Buffer.concat(pieces).toString()).toBe('{"a":1}')
  })

  const header = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('', '//[', 'a/b', 'h:99999', 'é', '[::1'))
  const path = fc.oneof(
    fc.webPath(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('//[', '//v1/health', '/%'),
  )

  it('never throw for headers, host, path and query of callers, but for a path without a slash', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), header),
        header,
        path.map((text) => `/${text}`),
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        fc.string(),
        (headers, host, path, queryStringParameters, body) => {
          const event = {
            httpMethod: 'POST',
            path,
            headers: { ...headers, host },
            queryStringParameters,
            body,
          }
          expect(isHttpV1(event)).toBe(true)
          expect(webCallV1(event).request.method).toBe('POST')
          const rawQueryString = new URLSearchParams(queryStringParameters).toString()
          const requestContext = { http: { method: 'POST' } }
          const { request } = webCallV2({
            ...event,
            version: '2.0',
            rawPath: path,
            rawQueryString,
            requestContext,
          })
          expect(new URL(request.url).search).toBe(rawQueryString === '' ? '' : `?${rawQueryString}`)
        },
      ),
    )
  })

  it.each(['', '*', 'v1/health', '.evil.example/'])('refuse the path %j', (rawPath) => {
    const event = { version: '2.0' as const, rawPath, requestContext: { http: { method: 'GET' } } }
    expect(() => webCallV2(event)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })

  it('take two slashes for a path and never for a host', () => {
    const event = {
      version: '2.0' as const,
      rawPath: '//v1/health',
      requestContext: { http: { method: 'GET' } },
    }
    const { request, connection } = webCallV2({ ...event, headers: { host: 'h.example' } })
    expect(request.url).toBe('https://h.example//v1/health')
    expect(connection.target).toBe('//v1/health')
  })

  it('encode what API Gateway has decoded and leave what a load balancer passes on', () => {
    const event = { httpMethod: 'POST', path: '/v1/detect', queryStringParameters: { classes: 'a b&c' } }
    expect(webCallV1(event).connection.target).toBe('/v1/detect?classes=a%20b%26c')
    const elb = { targetGroupArn: 'arn:aws:elasticloadbalancing:x' }
    const balanced = {
      ...event,
      headers: { 'x-forwarded-for': '203.0.113.9, 192.0.2.7' },
      queryStringParameters: { classes: 'a%20b%26c' },
      requestContext: { elb },
    }
    const { request, connection } = webCallV1(balanced)
    expect(connection).toEqual({ target: '/v1/detect?classes=a%20b%26c', clientAddress: '192.0.2.7' })
    expect(new URL(request.url).searchParams.get('classes')).toBe('a b&c')
  })

  it('name the IAM principal of a REST API', () => {
    const identity = { sourceIp: '192.0.2.1', userArn: 'arn:aws:iam::1:user/u' }
    const event = { httpMethod: 'GET', path: '/v1/models', requestContext: { identity } }
    expect(webCallV1(event).connection).toMatchObject({ principal: 'arn:aws:iam::1:user/u' })
    const nobody = { ...event, requestContext: { identity: { ...identity, userArn: null } } }
    expect(webCallV1(nobody).connection.principal).toBeUndefined()
  })
})
