import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from './support/corpus.ts'
import { startTestService, type TestService } from './support/service.ts'

interface Expected {
  status: 'ok' | 'either' | 'unsupported' | 'limit' | 'error'
  width?: number
  height?: number
}

interface Entry {
  /** Below `images/`. */
  file: string
  expected: Expected
}

/** Each way to send one picture. */
const ENDPOINTS: Record<string, (bytes: Uint8Array<ArrayBuffer>) => [path: string, init: RequestInit]> = {
  body: (bytes) => ['/v1/detect', { body: bytes }],
  multipart: (bytes) => {
    const form = new FormData()
    form.set('image', new Blob([bytes]), 'picture')
    return ['/v1/detect', { body: form }]
  },
  JSON: (bytes) => ['/v1/detect', json({ image: base64(bytes) })],
  drawn: (bytes) => ['/v1/detect', { body: bytes, headers: { accept: 'image/jpeg' } }],
  text: (bytes) => ['/v1/detect', { body: bytes, headers: { accept: 'text/plain' } }],
  DetectLabels: (bytes) => [
    '/',
    rekognition('DetectLabels', {
      Image: { Bytes: base64(bytes) },
      Features: ['GENERAL_LABELS', 'IMAGE_PROPERTIES'],
    }),
  ],
  DetectCustomLabels: (bytes) => [
    '/',
    rekognition('DetectCustomLabels', { Image: { Bytes: base64(bytes) }, ProjectVersionArn: ARN }),
  ],
  YOLambda: (bytes) => ['/yolambda', json({ image: base64(bytes) })],
  IceVision: (bytes) => ['/icevision', json({ image: base64(bytes) })],
  'Node article': (bytes) => ['/yolo-lambda-node', json({ image: base64(bytes) })],
}

const ARN = 'arn:aws:rekognition:us-east-1:123456789012:project/yolox-nano/version/v1/1700000000000'
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const json = (body: unknown): RequestInit => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})
const rekognition = (operation: string, body: unknown): RequestInit => ({
  body: JSON.stringify(body),
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `RekognitionService.${operation}`,
  },
})

/** Statuses that the docs give for a picture of that kind. A damaged one may still be readable. */
const DOCUMENTED: Record<Expected['status'], readonly number[]> = {
  ok: [200],
  either: [200, 422],
  unsupported: [200, 415, 422],
  limit: [413],
  error: [400, 413, 415, 422],
}

/** Rekognition answers every fault of the caller with 400, and knows no pictures below 80 pixels. */
const DOCUMENTED_REKOGNITION: Record<Expected['status'], readonly number[]> = {
  ok: [200, 400],
  either: [200, 400],
  unsupported: [200, 400],
  limit: [400],
  error: [400],
}

function entries(): Entry[] {
  if (!hasCorpus) {
    return []
  }
  return (JSON.parse(readFileSync(corpusPath('images/manifest.json'), 'utf8')) as { files: Entry[] }).files
}

describe.skipIf(!hasCorpus)('every picture of the corpus at every endpoint', () => {
  let service: TestService
  beforeAll(async () => {
    service = await startTestService({}, 'yolox-nano', corpusPath('models/yolox-nano.onnx'))
  })
  afterAll(() => service?.stop())

  it('covers every file', () => {
    const known = new Set(entries().map(({ file }) => file))
    const files = readdirSync(corpusPath('images'), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && file.name !== 'manifest.json')
      .map((file) => join(file.parentPath, file.name).slice(corpusPath('images').length + 1))
    expect(files.filter((file) => !known.has(file))).toEqual([])
  })

  it.each(entries().map((entry) => [entry.file, entry] as const))('%s', async (file, { expected }) => {
    const bytes = new Uint8Array(readFileSync(corpusPath(`images/${file}`)))
    // The service takes fewer pixels than the decoder could.
    const pixels = (expected.width ?? 0) * (expected.height ?? 0)
    const status = pixels > service.app.limits.pixels ? 'limit' : expected.status
    for (const [name, requestOf] of Object.entries(ENDPOINTS)) {
      const [at, init] = requestOf(bytes)
      const response = await fetch(service.url + at, { method: 'POST', ...init })
      const text = await response.text()
      const documented = at === '/' ? DOCUMENTED_REKOGNITION : DOCUMENTED
      expect([name, documented[status].includes(response.status), response.status]).toEqual([
        name,
        true,
        response.status,
      ])
      if (response.status !== 200) {
        // An error is one of ours, and holds nothing of the inside.
        expect([name, text]).toEqual([
          name,
          expect.stringMatching(at === '/' ? /"__type"/ : /"code":"[A-Z_]+"/),
        ])
        expect(text).not.toMatch(/node_modules|\/work|\/home|\.ts:|\.js:|root:|at \w+ \(/)
      } else if (name === 'body' && status === 'ok') {
        const { images } = JSON.parse(text) as { images: [{ width: number; height: number }] }
        expect([images[0].width, images[0].height]).toEqual([expected.width, expected.height])
      }
    }
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200)
    expect(service.pool.stats.workers).toBe(1)
  })
})
