import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHttpV1, isHttpV2, type WebCall, webCallV1, webCallV2 } from './http-event.ts'

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
      // What the caller has signed.
      target: '/prod/v1/detect?minScore=0.5&classes=a%2Cb',
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

  const pathOf = (call: WebCall) => new URL(call.request.url).pathname
  const v1 = (path: string, more: object = {}) => ({
    httpMethod: 'POST',
    path,
    headers: { host: 'h' },
    ...more,
  })
  const v2 = (rawPath: string, stage = '$default') => ({
    version: '2.0' as const,
    rawPath,
    requestContext: { stage, http: { method: 'POST' } },
  })

  it('leave the base path of a custom domain out, once, and sign what was sent', () => {
    const call = webCallV2(v2('/vision/v1/detect'), 'vision')
    expect(pathOf(call)).toBe('/v1/detect')
    expect(call.connection.target).toBe('/vision/v1/detect')
    for (const base of ['/vision', 'vision/', '/a/vision']) {
      expect(pathOf(webCallV2(v2(`${base.startsWith('/a') ? '/a' : ''}/vision/v1/detect`), base))).toBe(
        '/v1/detect',
      )
    }
    expect(pathOf(webCallV2(v2('/visionary/v1/detect'), 'vision'))).toBe('/visionary/v1/detect')
    expect(pathOf(webCallV2(v2('/v1/detect'), 'vision'))).toBe('/v1/detect')
    expect(pathOf(webCallV1(v1('/vision/v1/detect'), 'vision'))).toBe('/v1/detect')
    expect(pathOf(webCallV2(v2('/vision'), 'vision'))).toBe('/')
  })

  it('know the base path of a REST API from its resource', () => {
    const proxy = { resource: '/{proxy+}', pathParameters: { proxy: 'v1/detect' } }
    const requestContext = { path: '/vision/v1/detect', stage: 'prod' }
    const call = webCallV1(v1('/vision/v1/detect', { ...proxy, requestContext }))
    expect(pathOf(call)).toBe('/v1/detect')
    expect(call.connection.target).toBe('/vision/v1/detect')
    const named = { resource: '/v1/{proxy+}', pathParameters: { proxy: 'detect' } }
    expect(pathOf(webCallV1(v1('/v1/detect', named)))).toBe('/v1/detect')
  })

  it('leave out the stage that an HTTP API puts into the path of format 1.0, and a REST API does not', () => {
    const requestContext = { stage: 'v1' }
    expect(
      pathOf(webCallV1(v1('/prod/v1/detect', { version: '1.0', requestContext: { stage: 'prod' } }))),
    ).toBe('/v1/detect')
    expect(pathOf(webCallV1(v1('/v1/detect', { requestContext })))).toBe('/v1/detect')
  })

  const png = Buffer.from([
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0xfe, 0xff, 0xd8, 0xe0,
  ]).toString('utf8')
  it.each([
    ['image/png', 'an image type'],
    ['multipart/form-data; boundary=b', 'a form'],
    ['application/x-www-form-urlencoded', 'what curl says by itself'],
  ])('refuse bytes that a gateway has turned into text, sent as %s', (type) => {
    const event = { ...v1('/v1/detect'), headers: { 'Content-Type': type }, body: png }
    expect(() => webCallV1(event)).toThrow(
      expect.objectContaining({ code: 'IMAGE_FORMAT', hint: expect.stringContaining('binaryMediaTypes') }),
    )
    expect(() => webCallV2({ ...v2('/v1/detect'), headers: { 'content-type': type }, body: png })).toThrow(
      'the gateway in front',
    )
  })

  it('take the same letters in JSON, and bytes in base64', () => {
    const json = {
      ...v1('/v1/detect'),
      headers: { 'content-type': 'application/json' },
      body: `{"a":"${'\uFFFD'.repeat(9)}"}`,
    }
    expect(() => webCallV1(json)).not.toThrow()
    expect(() => webCallV1({ ...v1('/v1/detect'), body: 'iVBORw0K', isBase64Encoded: true })).not.toThrow()
  })

  it('name no principal for an empty text', () => {
    const event = {
      ...v2('/v1/models'),
      requestContext: { http: { method: 'GET' }, authorizer: { iam: { userArn: '' } } },
    }
    expect(webCallV2(event).connection.principal).toBeUndefined()
  })

  it('name the IAM principal of a REST API', () => {
    const identity = { sourceIp: '192.0.2.1', userArn: 'arn:aws:iam::1:user/u' }
    const event = { httpMethod: 'GET', path: '/v1/models', requestContext: { identity } }
    expect(webCallV1(event).connection).toMatchObject({ principal: 'arn:aws:iam::1:user/u' })
    const nobody = { ...event, requestContext: { identity: { ...identity, userArn: null } } }
    expect(webCallV1(nobody).connection.principal).toBeUndefined()
  })
})
