import { connect } from 'node:net'
import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestService, type TestService } from './support/service.ts'
import { streetBytes } from './support/street.ts'

/** Many more by hand: BOXLET_TEST_FUZZ_RUNS=5000 npx vitest run test/service-fuzz.test.ts */
const numRuns = Number(process.env.BOXLET_TEST_FUZZ_RUNS ?? 150)

const PATHS = [
  '/',
  '/v1/detect',
  '/v1/models/x',
  '/v2/models/yolox-nano/infer',
  '/v2/models/yolox-nano',
  '/yolambda',
  '/icevision',
  '/yolo-lambda-node',
  '/metrics',
  '/nowhere',
]
const TYPES = [
  'application/json',
  'application/x-amz-json-1.1',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=xx',
  'multipart/form-data',
  'image/jpeg',
  'application/octet-stream',
  'text/plain',
  '',
]
const TARGETS = [
  'RekognitionService.DetectLabels',
  'RekognitionService.DetectCustomLabels',
  'RekognitionService.',
  'x',
  '__proto__',
]

/** Names that mean something somewhere, so that values meet the code behind them. */
const NAMES = [
  ...[
    'image',
    'url',
    's3',
    'images',
    'model',
    'minScore',
    'iou',
    'classes',
    'slice',
    'name',
    'bucket',
    'key',
    'imgsz',
  ],
  ...[
    'conf_thres',
    'iou_thres',
    'Image',
    'Bytes',
    'S3Object',
    'Bucket',
    'Name',
    'MaxLabels',
    'MinConfidence',
    'Features',
  ],
  ...[
    'Settings',
    'GeneralLabels',
    'LabelInclusionFilters',
    'ImageProperties',
    'ProjectVersionArn',
    'inputs',
    'outputs',
  ],
  ...['shape', 'datatype', 'data', 'parameters', 'binary_data_size', '__proto__', 'constructor', 'toString'],
]
const VALUES = [
  ...[
    'AAAA',
    '',
    'data:,',
    'https://127.0.0.1',
    's3://a/b',
    's3://../..',
    'FP32',
    'images',
    'IMAGE_PROPERTIES',
    '\u0000',
    '../..',
  ],
  ...['arn:aws:rekognition:us-east-1:1:project/yolox-nano/version/v/1'],
]

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(...VALUES, null, true, false, 0, -1, 1e308, Number.MAX_SAFE_INTEGER, 0.5),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 6 })
    // As text parsed, so that __proto__ is a name like any other.
    .map((entries) =>
      JSON.parse(
        `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v ?? null)}`).join(',')}}`,
      ),
    ),
})).object

describe('the service under nonsense', () => {
  let service: TestService
  let picture: Uint8Array
  beforeAll(async () => {
    service = await startTestService()
    picture = new Uint8Array(
      await sharp({ create: { width: 1, height: 1, channels: 3, background: 'grey' } })
        .png()
        .toBuffer(),
    )
  })
  afterAll(() => service?.stop())

  /** Sends and holds the answer against what every answer has to be. */
  async function survives(path: string, init: RequestInit): Promise<number> {
    const response = await fetch(service.url + path, init)
    const text = await response.text()
    expect([path, response.status < 500 || response.status === 503, text]).toEqual([path, true, text])
    expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|at \w+ \(/)
    if (response.status >= 400 && init.method !== 'HEAD') {
      expect(() => JSON.parse(text)).not.toThrow()
    }
    return response.status
  }
  const headersOf = (type: string, target: string | undefined) => ({
    'content-type': type,
    ...(target === undefined ? {} : { 'x-amz-target': target }),
  })

  it('answers any bytes as any type at any path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.constantFrom(...TYPES),
        fc.option(fc.constantFrom(...TARGETS), { nil: undefined }),
        fc.uint8Array({ maxLength: 400 }),
        async (path, type, target, body) => {
          await survives(path, {
            method: 'POST',
            body: body as Uint8Array<ArrayBuffer>,
            headers: headersOf(type, target),
          })
        },
      ),
      { numRuns },
    )
  })

  it('answers any JSON that uses its names', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.option(fc.constantFrom(...TARGETS), { nil: undefined }),
        json,
        async (path, target, body) => {
          const headers = headersOf('application/json', target)
          await survives(path, { method: 'POST', body: JSON.stringify(body), headers })
        },
      ),
      { numRuns },
    )
  })

  it('answers deep and wide JSON', async () => {
    for (const body of [
      '['.repeat(100_000),
      `{"a":`.repeat(50_000),
      `{"images":[${'"AAAA",'.repeat(100_000)}"A"]}`,
    ]) {
      for (const path of ['/v1/detect', '/yolambda', '/v2/models/yolox-nano/infer']) {
        expect(
          await survives(path, { method: 'POST', body, headers: headersOf('application/json', undefined) }),
        ).toBe(400)
      }
      await survives('/', { method: 'POST', body, headers: headersOf('x', TARGETS[0]) })
    }
  })

  it('answers damaged multipart forms', async () => {
    const valid = Buffer.concat([
      Buffer.from(
        '--xx\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n',
      ),
      picture,
      Buffer.from('\r\n--xx\r\nContent-Disposition: form-data; name="minScore"\r\n\r\n0.5\r\n--xx--\r\n'),
    ])
    const send = (body: Uint8Array) =>
      survives('/v1/detect', {
        method: 'POST',
        body: body as Uint8Array<ArrayBuffer>,
        headers: headersOf('multipart/form-data; boundary=xx', undefined),
      })
    expect(await send(valid)).toBe(200)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(valid.length - 1),
        fc.nat(valid.length - 1),
        fc.uint8Array({ maxLength: 12 }),
        async (a, b, noise) => {
          const [from, to] = a < b ? [a, b] : [b, a]
          await send(Buffer.concat([valid.subarray(0, from), noise, valid.subarray(to)]))
        },
      ),
      { numRuns },
    )
  })

  it('answers any text where base64 belongs', async () => {
    const encoded = Buffer.from(picture).toString('base64')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(encoded.length),
        fc.string({ unit: 'binary', maxLength: 6 }),
        async (at, noise) => {
          const text = encoded.slice(0, at) + noise + encoded.slice(at)
          const body = JSON.stringify({ image: text })
          const status = await survives('/v1/detect', {
            method: 'POST',
            body,
            headers: headersOf('application/json', undefined),
          })
          expect([200, 400, 415, 422]).toContain(status)
        },
      ),
      { numRuns },
    )
  })

  it('answers damaged pictures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(picture.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const damaged = picture.slice()
          for (const [at, value] of changes) {
            damaged[at] = value
          }
          const status = await survives('/v1/detect', {
            method: 'POST',
            body: damaged as Uint8Array<ArrayBuffer>,
          })
          // A brace at its start makes it JSON.
          expect([200, 400, 413, 415, 422]).toContain(status)
        },
      ),
      { numRuns },
    )
  })

  it('answers any query', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...NAMES, 'max', 'sliceSize'), fc.string({ maxLength: 8 }))),
        async (pairs) => {
          const query = new URLSearchParams(pairs).toString()
          await survives(`/v1/detect?${query}`, { method: 'POST', body: picture as Uint8Array<ArrayBuffer> })
        },
      ),
      { numRuns },
    )
  })

  /** Below HTTP libraries, which would mend or refuse the request themselves. */
  const raw = (bytes: Uint8Array) =>
    new Promise<string>((resolve) => {
      const socket = connect(service.port, '127.0.0.1', () => socket.end(bytes))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', () => resolve(text))
      socket.on('close', () => resolve(text))
    })

  it('answers or closes on any header lines', async () => {
    const headerName = fc.constantFrom(
      ...[
        'Host',
        'Content-Length',
        'Transfer-Encoding',
        'Content-Type',
        'Accept',
        'Authorization',
        'X-Amz-Target',
      ],
      ...[
        'X-Amz-Date',
        'Expect',
        'Connection',
        'Origin',
        'X-Request-Id',
        'Inference-Header-Content-Length',
        'Range',
      ],
    )
    const headerValue = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        'chunked',
        '0',
        '5',
        '-1',
        '1e9',
        'close',
        '100-continue',
        'AWS4-HMAC-SHA256 Credential=a/b/c/d/e',
        'image/*',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'QQQ', 'OPTIONS'),
        fc.constantFrom(...PATHS, '*', '//', '/%', '/%00', '/../..', 'http://x/', '/v1/models/%2e%2e'),
        fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 }),
        async (method, path, headers) => {
          const lines = [
            `${method} ${path} HTTP/1.1`,
            'Host: localhost',
            'Connection: close',
            ...headers.map((pair) => pair.join(': ')),
          ]
          const text = await raw(Buffer.from(`${lines.join('\r\n')}\r\n\r\nhello`))
          const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
          if (status !== undefined) {
            expect([text.slice(0, 200), Number(status) === 500]).toEqual([text.slice(0, 200), false])
          }
        },
      ),
      { numRuns },
    )
  })

  it('is as well afterwards as it was before', async () => {
    const answer = await fetch(`${service.url}/v1/detect`, {
      method: 'POST',
      body: streetBytes,
    })
    expect(answer.status).toBe(200)
    expect(service.pool.stats.workers).toBe(1)
    await expect.poll(() => service.app.inFlight).toBe(0)
    expect(service.log.filter(({ error }) => error === 'INTERNAL')).toEqual([])
  })
})
