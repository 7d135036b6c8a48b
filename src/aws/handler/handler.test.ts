import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z as real } from 'zod'
import { directCall } from './direct.ts'
import { tasksOf } from './events.ts'
import { httpResult, isHttpV1, isHttpV2, webCallV1, webCallV2 } from './http-event.ts'
import { RemoteKeyStore } from './keys.ts'
import { z as lazy, useZod } from './lazy-zod.ts'
import { LightBody, LightHeaders, LightRequest, LightResponse } from './light-web.ts'
import { parseS3Uri } from './s3-model.ts'
import { chosenWarmUp } from './warm-up.ts'
import { work } from './worker.ts'

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
    for await (const piece of connection.body as AsyncIterable<Uint8Array>) pieces.push(piece)
    expect(Buffer.concat(pieces).toString()).toBe('{"a":1}')
  })

  it('never throw for headers of callers', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.string(), (headers, body) => {
        const event = { httpMethod: 'POST', path: '/v1/detect', headers: { ...headers, host: 'h' }, body }
        expect(isHttpV1(event)).toBe(true)
        expect(webCallV1(event).request.method).toBe('POST')
      }),
    )
  })

  it('encode binary answers only', async () => {
    expect(await httpResult(Response.json({ a: 'ü' }))).toMatchObject({
      body: '{"a":"ü"}',
      isBase64Encoded: false,
    })
    const picture = new Response(new Uint8Array([1, 2]), {
      headers: { 'content-type': 'image/png', 'set-cookie': 'a=1' },
    })
    expect(await httpResult(picture)).toMatchObject({ body: 'AQI=', isBase64Encoded: true, cookies: ['a=1'] })
  })
})

describe('direct calls', () => {
  it.each([
    [{ image: 'AA' }, '/v1/detect'],
    [{ s3: { bucket: 'b', key: 'k' } }, '/v1/detect'],
    [{ image: 'AA', conf_thres: 0.5 }, '/yolambda'],
    [{ Image: { Bytes: 'AA' } }, '/'],
    [{ body: '{"image":"AA"}' }, '/v1/detect'],
    [{ body: Buffer.from([255, 216]).toString('base64'), isBase64Encoded: true }, '/v1/detect'],
  ])('%j goes to %s', (event, path) => {
    expect(new URL(directCall(event)!.request.url).pathname).toBe(path)
  })

  it('take nothing else', () => {
    expect(directCall({ what: 1 })).toBeUndefined()
    expect(directCall('text')).toBeUndefined()
  })
})

describe('events of S3 and SQS', () => {
  it('decode keys of S3 and leave those of EventBridge', () => {
    const record = {
      eventSource: 'aws:s3' as const,
      s3: { bucket: { name: 'b' }, object: { key: 'a+b%2Bc.jpg' } },
    }
    expect(tasksOf({ Records: [record] }).tasks).toEqual([{ ref: { bucket: 'b', key: 'a b+c.jpg' } }])
    const bridge = { source: 'aws.s3', detail: { bucket: { name: 'b' }, object: { key: 'a+b.jpg' } } }
    expect(tasksOf(bridge).tasks).toEqual([{ ref: { bucket: 'b', key: 'a+b.jpg' } }])
  })

  it('never throw for what stands in a message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        const { tasks, unreadable } = tasksOf({ Records: [{ eventSource: 'aws:sqs', messageId: 'm', body }] })
        expect(tasks.length + unreadable.length).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('try again what the network broke, and throw where there is no queue', async () => {
    const failing = {
      detector: async () => {
        throw Object.assign(new Error('away'), {})
      },
      blobs: { get: async () => new Uint8Array(1), put: async () => {} },
      resultBucket: undefined,
      resultPrefix: 'results/',
      measured: () => {},
      failed: () => {},
    }
    const body = JSON.stringify({ s3: { bucket: 'b', key: 'k' } })
    expect(await work({ Records: [{ eventSource: 'aws:sqs', messageId: 'm', body }] }, failing)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm' }],
    })
    await expect(
      work({ source: 'aws.s3', detail: { bucket: { name: 'b' }, object: { key: 'k' } } }, failing),
    ).rejects.toBeDefined()
  })
})

describe('keys of a function', () => {
  const text = JSON.stringify({ version: 1, keys: [{ kind: 'bearer', id: 'a', name: 'n', hash: 'h' }] })

  it('are read again after a minute, and kept for a while when that fails', async () => {
    let now = 0
    let answer: () => string = () => text
    const store = new RemoteKeyStore(
      async () => answer(),
      () => now,
    )
    expect(await store.bearer('a')).toMatchObject({ id: 'a' })
    answer = () => JSON.stringify({ version: 1, keys: [] })
    expect(await store.bearer('a')).toBeDefined()
    now = 61_000
    expect(await store.bearer('a')).toBeUndefined()
    answer = () => 'damaged'
    now = 200_000
    expect(await store.bearer('a')).toBeUndefined()
    now = 2_000_000
    await expect(store.bearer('a')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('the light web classes', () => {
  const header = fc.tuple(
    fc.constantFrom('a', 'B', 'x-c', 'set-cookie', 'Content-Type'),
    fc.stringMatching(/^[ -~]{0,12}$/),
  )

  it('hold headers as the standard ones do', () => {
    fc.assert(
      fc.property(fc.array(header), (entries) => {
        const standard = new Headers(entries.map(([name, value]) => [name, value] as [string, string]))
        const light = new LightHeaders(entries)
        expect([...light]).toEqual([...standard])
        for (const name of ['A', 'b', 'set-cookie', 'none']) expect(light.get(name)).toBe(standard.get(name))
        expect(light.getSetCookie()).toEqual(standard.getSetCookie())
      }),
    )
  })

  it('refuse what would write another header', () => {
    expect(() => new LightHeaders([['a', 'b\r\nc: d']])).toThrow(TypeError)
    expect(() => new LightHeaders([['a b', 'c']])).toThrow(TypeError)
  })

  it('give bodies once and in full', async () => {
    const response = LightResponse.json({ a: 'ü' }, { status: 201 })
    expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/json'])
    expect(await response.json()).toEqual({ a: 'ü' })
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow('already')
    const again = new LightResponse(new LightResponse(new Uint8Array([1, 2])).body)
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(new Uint8Array([1, 2]))
    expect(new LightResponse('t').headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(new LightResponse(null).body).toBeNull()
    expect(new LightRequest('https://x/a b').url).toBe('https://x/a%20b')
    expect(new LightBody('x').used).toBe(false)
  })
})

describe('lazy schemas', () => {
  it('give what the library gives, and build nothing before', () => {
    let built = 0
    useZod(() => {
      built++
      return real
    })
    const z = lazy as typeof real
    const score = z.coerce.number().min(0).max(1)
    const schema = z
      .object({ score: score.optional(), list: z.union([z.string(), z.array(z.int())]) })
      .transform(({ score }) => ({ twice: (score ?? 0) * 2 }))
    expect(built).toBe(0)
    expect(schema.safeParse({ score: '0.5', list: 'a' })).toEqual({ success: true, data: { twice: 1 } })
    expect(schema.safeParse({ score: 2, list: 'a' }).success).toBe(false)
    expect(schema.safeParse({ list: [1.5] }).success).toBe(false)
    expect(Object.keys(z.object({ a: z.string(), b: z.string() }).shape)).toEqual(['a', 'b'])
  })
})

describe('settings of a function', () => {
  it('warm up in full only where nobody waits', () => {
    expect(chosenWarmUp({})).toBe('small')
    expect(chosenWarmUp({ AWS_LAMBDA_INITIALIZATION_TYPE: 'provisioned-concurrency' })).toBe('full')
    expect(chosenWarmUp({ BOXLET_WARM_UP: 'none' })).toBe('none')
  })

  it('read addresses of S3', () => {
    expect(parseS3Uri('s3://b/a/c.onnx')).toEqual({ bucket: 'b', key: 'a/c.onnx' })
    expect(() => parseS3Uri('https://b/a')).toThrow('s3://bucket/key')
  })
})
