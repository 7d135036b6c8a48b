import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { DetectorPool } from '../pool/detector-pool.ts'
import { Detector } from './detector.ts'
import type { PictureInput } from './types.ts'

const COFFEE = join(import.meta.dirname, '../../examples/pictures/coffee.png')
let folder: string
let bytes: Buffer<ArrayBuffer>
let detector: Detector
let pool: DetectorPool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-inputs-'))
  bytes = await readFile(COFFEE)
  const model = join(folder, 'pets.onnx')
  await writeFile(
    model,
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values: yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6) }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  )
  detector = await Detector.load(model)
  pool = await DetectorPool.open(model, { workers: 1 })
})
afterAll(async () => {
  await detector.dispose()
  await pool.close()
  await rm(folder, { recursive: true, force: true })
})

const copy = () => new Uint8Array(bytes).buffer
const forms: readonly (readonly [string, () => PictureInput])[] = [
  ['an ArrayBuffer', copy],
  ['a Blob', () => new Blob([copy()])],
  ['a File', () => new File([new Blob([copy()])], 'coffee.png', { type: 'image/png' })],
  ['a Response', () => new Response(copy())],
  ['a web stream', () => new Blob([copy()]).stream()],
  ['a stream of Node', () => createReadStream(COFFEE)],
  ['an absolute path', () => COFFEE],
  ['a relative path', () => relative(process.cwd(), COFFEE)],
  ['a file: URL', () => pathToFileURL(COFFEE)],
  ['a file: URL as text', () => pathToFileURL(COFFEE).href],
]

describe('a picture', () => {
  it.each(forms)('may be %s, for a detector and a pool', async (_, make) => {
    const expected = await detector.detect(bytes)
    expect(expected.detections).toHaveLength(1)
    for (const one of [detector, pool]) {
      const { image, detections } = await one.detect(make())
      expect({ image, detections }).toEqual({ image: expected.image, detections: expected.detections })
    }
  })
  it('may be one of a list, of several forms', async () => {
    for (const one of [detector, pool]) {
      const found = await one.detect([COFFEE, bytes, new Blob([copy()])], { minScore: 0.5 })
      expect(found.map(({ detections }) => detections.length)).toEqual([1, 1, 1])
      expect(await one.detect([])).toEqual([])
      await expect(one.detect([bytes, 'none.png'])).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    }
    const [good, bad] = await detector.detectBatch([COFFEE, 'none.png'])
    expect([good?.status, bad?.status]).toEqual(['fulfilled', 'rejected'])
  })
  it.each([
    ['none.png', 'IMAGE_NOT_FOUND'],
    [tmpdir(), 'IMAGE_NOT_FOUND'],
    ['https://example.com/a.png', 'URL_REFUSED'],
    [new URL('https://example.com/a.png'), 'URL_REFUSED'],
    [new Response('gone', { status: 404 }), 'URL_FAILED'],
    [new Response(null), 'USAGE'],
    [new Blob(['no picture']), 'IMAGE_FORMAT'],
    [new ArrayBuffer(0), 'IMAGE_EMPTY'],
    [7, 'USAGE'],
    [null, 'USAGE'],
    [{}, 'USAGE'],
  ])('that is %j is refused as %s', async (picture, code) => {
    await expect(detector.detect(picture as PictureInput)).rejects.toMatchObject({ code })
  })
  it.each(['http://example.com/a.png', 'https://127.0.0.1/a.png', 'https://10.0.0.7/a.png'])(
    'at %s is not fetched where fetching is allowed',
    async (address) => {
      const options = { image: { fetch: true } }
      await expect(detector.detect(address, options)).rejects.toMatchObject({ code: 'URL_REFUSED' })
    },
  )
  it.each(forms.filter(([name]) => name !== 'an ArrayBuffer'))(
    'that is %s is not read beyond the limit',
    async (_, make) => {
      const options = { image: { maxBytes: 1000 } }
      await expect(detector.detect(make(), options)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    },
  )
  it('that never ends is given up with the signal', async () => {
    const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })
    const signal = AbortSignal.timeout(50)
    await expect(detector.detect(endless, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
