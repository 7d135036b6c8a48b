import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { iou } from '../boxes/iou.ts'
import { decodeImage } from '../image/decode/decode.ts'
import { Detector } from './detector.ts'
import type { RgbImage } from './types.ts'

/** 64 × 64 input: 64 + 16 + 4 cells. */
const CELLS = 84
const NAMES = { task: 'detect', names: "{0: 'cat', 1: 'dog'}" }
const picture: RgbImage = { width: 128, height: 64, data: new Uint8Array(128 * 64 * 3) }

let folder: string
const file = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
/** Always the same three objects, in pixels of the 64 × 64 input. */
const fixedModel = (metadata: Record<string, string> = NAMES, batch = 1) => {
  const rows = [
    [32, 32, 20, 16, 0.9, 0.1],
    [32, 32, 20, 16, 0.7, 0.2],
    [10, 20, 10, 8, 0.1, 0.6],
  ]
  const head = yolov8Head(rows, CELLS, 6)
  return constantModel(
    [{ name: 'images', shape: [batch, 3, 64, 64] }],
    [{ name: 'output0', shape: [batch, 6, CELLS], values: Array.from({ length: batch }, () => head).flat() }],
    metadata,
  )
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-detector-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('Detector', () => {
  it('gives boxes in pixels of the picture, undoing the letterbox', async () => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    const { detections, image } = await detector.detect(picture)
    expect(image).toEqual({ width: 128, height: 64 })
    // The picture lies at half size between rows 16 and 48 of the input.
    expect(detections.map(({ label, box }) => ({ label, box }))).toEqual([
      { label: 'cat', box: { x1: 44, y1: 16, x2: 84, y2: 48 } },
      { label: 'dog', box: { x1: 10, y1: 0, x2: 30, y2: 16 } },
    ])
    expect(detector.model).toMatchObject({ name: 'pets', family: 'yolov8' })
  })
  it('keeps the classes, scores and number that are asked for', async () => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    expect((await detector.detect(picture, { classes: ['DOG'] })).detections).toHaveLength(1)
    expect((await detector.detect(picture, { classes: [0] })).detections).toHaveLength(1)
    expect((await detector.detect(picture, { minScore: 0.7 })).detections).toHaveLength(1)
    expect((await detector.detect(picture, { maxDetections: 1 })).detections).toHaveLength(1)
    expect((await detector.detect(picture, { iou: 1 })).detections).toHaveLength(3)
    await expect(detector.detect(picture, { classes: ['bird'] })).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('cat, dog'),
    })
  })
  it('uses the threshold of each class where the contract has one', async () => {
    const path = await file('pets.onnx', fixedModel())
    await using detector = await Detector.load(path, {
      contract: { thresholds: { perClass: { dog: 0.65 } } },
    })
    expect((await detector.detect(picture)).detections.map(({ label }) => label)).toEqual(['cat'])
    expect((await detector.detect(picture, { minScore: 0.5 })).detections).toHaveLength(2)
  })
  it('takes labels from the caller and refuses a number of them that does not fit', async () => {
    const path = await file('pets.onnx', fixedModel())
    await using detector = await Detector.load(path, { labels: [null, 'Katze', 'Hund'] })
    expect((await detector.detect(picture)).detections[0]!.label).toBe('Katze')
    await expect(Detector.load(path, { labels: ['one'] })).rejects.toMatchObject({ code: 'LABELS_INVALID' })
  })
  it('runs files with a fixed batch of several pictures', async () => {
    await using detector = await Detector.load(await file('batch.onnx', fixedModel(NAMES, 4)))
    expect((await detector.detect(picture)).detections).toHaveLength(2)
  })
  it('shares a run between pictures where the file takes several, and keeps a bad one to itself', async () => {
    const rows = (score: number) => yolov8Head([[32, 32, 20, 16, score, 0.1]], CELLS, 6)
    const two = constantModel(
      [{ name: 'images', shape: [2, 3, 64, 64] }],
      [{ name: 'output0', shape: [2, 6, CELLS], values: [...rows(0.9), ...rows(0.6)] }],
      NAMES,
    )
    await using detector = await Detector.load(await file('two.onnx', two))
    const wide = { width: 256, height: 64, data: new Uint8Array(256 * 64 * 3) }
    const results = await detector.detectBatch([picture, new Uint8Array(5), wide, picture])
    const scores = results.map((result) =>
      result.status === 'fulfilled' ? result.value.detections[0]!.score.toFixed(1) : result.reason.code,
    )
    // The first two good pictures fill a run, the third has one to itself.
    expect(scores).toEqual(['0.9', 'IMAGE_FORMAT', '0.6', '0.9'])
    expect(results[2]).toMatchObject({ value: { image: { width: 256, height: 64 } } })
  })
  it('answers overlapping calls each with its own picture', async () => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    const widths = [64, 128, 192, 256, 320]
    const results = await Promise.all(
      widths.map((width) => detector.detect({ width, height: 64, data: new Uint8Array(width * 64 * 3) })),
    )
    expect(results.map(({ image }) => image.width)).toEqual(widths)
  })
  it('finishes the run that it is in when it is disposed, and refuses what has not begun', async () => {
    const detector = await Detector.load(await file('pets.onnx', fixedModel()))
    const running = Promise.allSettled([detector.detect(picture), detector.detect(picture)])
    await Promise.all([detector.dispose(), detector.dispose()])
    for (const outcome of await running) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ code: 'DISPOSED' })
      }
    }
  })
  it('refuses options that ask for more tiles than one call may take', async () => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    const large = { width: 4000, height: 3000, data: new Uint8Array(4000 * 3000 * 3) }
    await expect(detector.detect(large, { slice: { size: 32, overlap: 0.9 } })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('tiles'),
    })
  })
  it('ends a cancelled load as cancelled, whatever the reason', async () => {
    const path = await file('pets.onnx', fixedModel())
    for (const signal of [
      AbortSignal.abort(),
      AbortSignal.abort(new Error('enough')),
      AbortSignal.abort(new DOMException('late', 'TimeoutError')),
    ]) {
      await expect(Detector.load(path, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
    }
  })
  it('keeps from the runtime what it must not be given, also with a contract beside the file', async () => {
    const path = await file('guarded.onnx', fixedModel())
    await using detector = await Detector.load(path)
    await writeFile(join(folder, 'guarded.contract.json'), JSON.stringify(detector.model.contract))
    await writeFile(path, new TextEncoder().encode('no model'))
    await expect(Detector.load(path)).rejects.toMatchObject({ kind: 'input' })
  })
  it('stops at an abort signal and after dispose', async () => {
    const detector = await Detector.load(await file('pets.onnx', fixedModel()))
    await expect(detector.detect(picture, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await detector.dispose()
    await detector.dispose()
    await expect(detector.detect(picture)).rejects.toMatchObject({ code: 'DISPOSED' })
  })
  it('names what is wrong with a contract', async () => {
    const path = await file('pets.onnx', fixedModel())
    await expect(
      Detector.load(path, { contract: { output: { roles: { predictions: 'nowhere' } } } }),
    ).rejects.toMatchObject({ code: 'CONTRACT_INVALID', hint: expect.stringContaining('output0') })
    await expect(Detector.load(path, { contract: { family: 'yolov99' } })).rejects.toMatchObject({
      code: 'CONTRACT_INVALID',
    })
  })
  it('answers a missing, an empty and a foreign model file with one clear error', async () => {
    await expect(Detector.load(join(folder, 'no.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(Detector.load(await file('empty.onnx', new Uint8Array()))).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
    })
    await expect(
      Detector.load(await file('text.onnx', new TextEncoder().encode('not a model at all'))),
    ).rejects.toMatchObject({
      kind: 'input',
    })
    const classifier = constantModel(
      [{ name: 'x', shape: [1, 10] }],
      [{ name: 'y', shape: [1, 2], values: [0, 1] }],
    )
    await expect(Detector.load(await file('other.onnx', classifier))).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
      message: expect.stringContaining('x float32 [1, 10]'),
    })
  })
  it.each([
    [null, {}, 'a picture but received null'],
    [7, {}, 'received a number'],
    [picture, { minscore: 0.4 }, 'received "minscore"'],
    [picture, { max: 3 }, 'received "max"'],
    [picture, { classes: 'cat' }, 'a list of labels or class ids for classes'],
    [picture, { minScore: 1.1 }, 'from 0 to 1 for minScore but received 1.1'],
    [picture, { maxDetections: 100_001 }, 'from 1 to 100000 for maxDetections'],
    [picture, { slice: { size: 65_537 } }, 'from 32 to 65536 for slice.size'],
    [picture, { slice: null }, 'the options of slice'],
    [picture, { image: { tolerant: 'yes' } }, 'true or false for image.tolerant'],
    [picture, { maxDetections: -1 }, 'maxDetections'],
    [picture, { classes: [999] }, 'received "999"'],
    [picture, { slice: { sise: 64 } }, 'received "sise"'],
    [picture, { image: { maxPixel: 5 } }, 'received "maxPixel"'],
    [picture, { signal: 5 }, 'AbortSignal'],
    [picture, { minScore: '0.4' as never }, 'minScore'],
  ])('names what callers without types get wrong: %#', async (image, options, text) => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    await expect(detector.detect(image as never, options as never)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(text),
    })
  })
  it('names what is wrong with the arguments of load', async () => {
    await expect(Detector.load('x.onnx', { treads: 2 } as never)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(Detector.load(undefined as never)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(Detector.load('x.onnx', { threads: 0 })).rejects.toMatchObject({ code: 'USAGE' })
  })
  it('refuses pixels that do not fill the size they state', async () => {
    await using detector = await Detector.load(await file('pets.onnx', fixedModel()))
    await expect(detector.detect({ width: 10, height: 10, data: new Uint8Array(5) })).rejects.toMatchObject({
      code: 'IMAGE_FORMAT',
    })
  })
})

describe.skipIf(!hasCorpus)('Detector on real models', () => {
  const cells = (name: string) => corpusBytes(`voc/bccd/${name}`)
  it('reads RetinaNet as IceVision exports it, with its class map', async () => {
    await using detector = await Detector.load(corpusPath('models/retinanet-bccd-384-icevision.onnx'), {
      labels: corpusPath('models/retinanet-bccd-384-icevision.class_map.json'),
    })
    const { detections } = await detector.detect(cells(await imagePath('BloodImage_00007')), {
      classes: ['WBC'],
    })
    expectNear(detections[0]!, 0.964, [212, 103.6, 402.8, 286.5])
  })
  it('says that the labels of a torchvision model lack the background line, and only then', async () => {
    const notices: string[] = []
    const onNotice = (line: string) => notices.push(line)
    const path = corpusPath('models/retinanet-bccd-320-torchvision.onnx')
    await using _right = await Detector.load(path, { labels: [null, 'RBC', 'WBC', 'Platelets'], onNotice })
    expect(notices).toEqual([])
    await using _wrong = await Detector.load(path, { labels: ['RBC', 'WBC', 'Platelets'], onNotice })
    expect(notices).toEqual([expect.stringContaining('do not begin with a background line')])
  })
  it('reads RetinaNet with the transform inside the graph and no batch axis', async () => {
    await using detector = await Detector.load(corpusPath('models/retinanet-bccd-320-torchvision.onnx'), {
      labels: corpusPath('models/retinanet-bccd-320-torchvision.class_map.json'),
    })
    const { detections } = await detector.detect(cells(await imagePath('BloodImage_00007')), {
      classes: ['WBC'],
    })
    expectNear(detections[0]!, 0.9, [218.7, 94.3, 395.3, 278])
  })
  it('finds in tiles what is too small in the whole picture, in the frame of the picture', async () => {
    await using detector = await Detector.load(corpusPath('models/yolo11n-320-int8.onnx'))
    const { detections: alone } = await detector.detect(corpusBytes('images/scenes/bus.jpg'), {
      classes: ['bus'],
    })
    const mosaic = await mosaicOf(corpusBytes('images/scenes/bus.jpg'), 4)
    const whole = await detector.detect(mosaic, { classes: ['bus'] })
    const sliced = await detector.detect(mosaic, { classes: ['bus'], slice: { size: 1200 } })
    expect(sliced.detections.length).toBeGreaterThanOrEqual(14)
    expect(whole.detections.length).toBeLessThan(sliced.detections.length)
    for (const { box } of sliced.detections) {
      const [column, row] = [
        Math.floor((box.x1 + box.x2) / 2 / 810),
        Math.floor((box.y1 + box.y2) / 2 / 1080),
      ]
      const inCell = {
        x1: box.x1 - column * 810,
        y1: box.y1 - row * 1080,
        x2: box.x2 - column * 810,
        y2: box.y2 - row * 1080,
      }
      expect(iou(inCell, alone[0]!.box)).toBeGreaterThan(0.6)
    }
  })
})

/** The same picture n × n times, side by side. */
async function mosaicOf(bytes: Uint8Array, n: number): Promise<RgbImage> {
  const { pixels } = await decodeImage(bytes)
  const { width, height } = pixels
  const data = new Uint8Array(width * n * height * n * 3)
  for (let y = 0; y < height * n; y++) {
    const row = pixels.data.subarray((y % height) * width * 3, ((y % height) + 1) * width * 3)
    for (let x = 0; x < n; x++) {
      data.set(row, (y * n + x) * width * 3)
    }
  }
  return { width: width * n, height: height * n, data }
}

async function imagePath(stem: string): Promise<string> {
  const { readdir } = await import('node:fs/promises')
  const paths = await readdir(corpusPath('voc/bccd'), { recursive: true })
  return paths.find((path) => path.endsWith(`${stem}.jpg`))!
}

function expectNear(
  detection: { score: number; box: { x1: number; y1: number; x2: number; y2: number } },
  score: number,
  box: number[],
) {
  expect(detection.score).toBeCloseTo(score, 1)
  const { x1, y1, x2, y2 } = detection.box
  for (const [i, edge] of [x1, y1, x2, y2].entries()) {
    expect(Math.abs(edge - box[i]!)).toBeLessThan(4)
  }
}
