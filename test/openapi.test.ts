import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../src/api/app.ts'
import { Detector } from '../src/detector/detector.ts'
import { openHome } from '../src/local/home.ts'
import { startJobs } from '../src/server/jobs.ts'
import { singleDetector } from './support/app.ts'
import { type JobsPlace, jobsPlace } from './support/jobs.ts'
import { faultsBy, operations } from './support/openapi.ts'

const EDGE = 320
const PROJECT_VERSION =
  'arn:aws:rekognition:eu-west-1:123456789012:project/dogs/version/dogs.2026-12-01T00.00.00/1764547200000'

describe('the answers of every operation that the OpenAPI document names', () => {
  let place: JobsPlace
  let raw: Detector
  let app: App
  let stop: () => Promise<void>
  let job: string
  let message: string
  let image: string

  const send = (path: string, init: RequestInit = {}) =>
    app.fetch(new Request(`http://127.0.0.1${path}`, init))
  const post = (path: string, body: unknown) =>
    send(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

  beforeAll(async () => {
    place = await jobsPlace()
    raw = await Detector.load(join(place.folder, 'dogs.onnx'), { threads: 1, asIs: true })
    const detectors = { defaultName: 'dogs', get: async () => place.detector }
    const jobs = await startJobs({
      open: () => openHome(join(place.folder, 'document')),
      detectors,
      concurrency: 1,
      blobStore: undefined,
      urls: 'https',
      maxBytes: 2 ** 20,
      fetchMs: 1000,
      onNotice: () => {},
    })
    stop = () => jobs.stop(5000)
    app = createApp({
      detectors: singleDetector(place.detector, raw, 'dogs'),
      jobs: jobs.offer,
      observer: { request: () => {}, render: async () => ({ contentType: 'text/plain', body: 'up 1\n' }) },
    })
    // Rekognition's clients send no picture below 80 pixels.
    const create = { width: 96, height: 96, channels: 3, background: 'teal' } as const
    image = (await sharp({ create }).jpeg().toBuffer()).toString('base64')
    const submitted = (await (
      await post('/v1/jobs', { images: [image, 'AAAA'], annotate: 'jpeg' })
    ).json()) as {
      id: string
    }
    job = submitted.id
    message = ((await (await post('/tflite-sqs', { image })).json()) as { message_id: string }).message_id
    for (const id of [job, message]) {
      await send(`/v1/jobs/${id}?wait=20`).then(async (first) => {
        let answer = (await first.json()) as { finishedAt?: string }
        while (answer.finishedAt === undefined) {
          answer = (await (await send(`/v1/jobs/${id}?wait=20`)).json()) as { finishedAt?: string }
        }
      })
    }
  })
  afterAll(async () => {
    await app.drain()
    await stop()
    await raw.dispose()
    await place[Symbol.asyncDispose]()
  })

  const tensor = () => ({
    inputs: [
      {
        name: 'images',
        shape: [1, 3, EDGE, EDGE],
        datatype: 'FP32',
        data: new Array<number>(3 * EDGE * EDGE).fill(0),
      },
    ],
  })
  /** What is sent, and the status that it should have, where that is not 200. */
  const bodies: Record<string, () => unknown> = {
    detect: () => ({
      images: [image, { name: 'second', image }, 'AAAA'],
      altText: true,
      slice: { size: 64 },
    }),
    rekognition: () => ({ Image: { Bytes: image } }),
    submitJob: () => ({
      images: [image],
      batch: 'b',
      ttl: 60,
      annotate: true,
      webhook: 'https://example.com/',
    }),
    reviewPicture: () => ({ decision: 'approved' }),
    kserveInfer: tensor,
    kserveInferOfVersion: tensor,
    yolambda: () => ({ image }),
    icevision: () => ({ image }),
    yoloLambdaNode: () => ({ image }),
    tfliteLambda: () => ({ image: Buffer.alloc(3 * EDGE * EDGE).toString('base64') }),
    tfliteSqs: () => ({ image }),
  }
  const statuses: Record<string, number> = {
    submitJob: 202,
    redriveJobs: 202,
    // A service of one machine has no bucket.
    uploadForm: 404,
    // The job has ended by then, with one picture of two.
    deleteJob: 409,
    cancelJob: 409,
    retryJob: 202,
    tfliteSqs: 202,
    // fetch sends no body with GET; what these answer is that of POST.
    yolambdaByGet: 400,
    icevisionByGet: 400,
    yoloLambdaNodeByGet: 400,
  }
  const queries: Record<string, string> = {
    listJobs: '?state=succeeded,failed&limit=1&since=2026-01-01',
    search: '?label=dog&minScore=0.5&count=>=2&limit=5',
    listPictures: '?limit=1',
  }
  // What changes the job comes last.
  const late = ['retryJob']
  const ordered = [...operations].sort(
    (a, b) => late.indexOf(a.operation.operationId) - late.indexOf(b.operation.operationId),
  )

  it.each([
    ['DetectLabels', () => ({ Features: ['GENERAL_LABELS', 'IMAGE_PROPERTIES'] })],
    ['DetectCustomLabels', () => ({ ProjectVersionArn: PROJECT_VERSION })],
  ] as const)('rekognition %s', async (operation, more) => {
    const response = await send('/', {
      method: 'POST',
      headers: { 'x-amz-target': `RekognitionService.${operation}` },
      body: JSON.stringify({ Image: { Bytes: image }, ...more() }),
    })
    const answer = (await response.json()) as unknown
    expect(faultsBy({ $ref: `#/components/schemas/${operation}Answer` }, answer)).toEqual([])
  })

  it.each(ordered.map((each) => [each.operation.operationId, each] as const))(
    '%s',
    async (id, { path, method, operation }) => {
      const to =
        path
          .replace('{name}', 'dogs')
          .replace('{version}', '1')
          .replace('{id}', path.startsWith('/tflite') ? message : job)
          .replace('{n}', '0') + (queries[id] ?? '')
      const body = bodies[id]?.()
      const response = await send(to, {
        method: method.toUpperCase(),
        headers: {
          'content-type': 'application/json',
          ...(id === 'rekognition' && { 'x-amz-target': 'RekognitionService.DetectLabels' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      expect([response.status, text.slice(0, 300)]).toEqual([statuses[id] ?? 200, expect.anything()])
      const { content } = operation.responses[response.status]!
      const type = response.headers.get('content-type')?.split(';')[0] ?? ''
      const described = content?.[type] ?? content?.[`${type.split('/')[0]}/*`]
      expect([type, described]).toEqual([type, expect.anything()])
      if (/json$/.test(type)) {
        expect(faultsBy(described!.schema, JSON.parse(text))).toEqual([])
      }
    },
  )
})
