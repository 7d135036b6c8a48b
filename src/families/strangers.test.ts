import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { find, logitOf, summary, table } from '../../test/support/family-runs.ts'
import { constantModel, type GraphOutput, yolov8Head } from '../../test/support/onnx-graph.ts'
import { letterbox } from '../boxes/letterbox.ts'
import { Detector } from '../detector/detector.ts'
import type { Contract } from '../model/contract.ts'
import { splitWeights } from '../onnx/write/split-weights.ts'
import { foreignFormat } from '../prepare/foreign-formats.ts'
import type { DecodeContext } from './family.ts'
import { fomo } from './grids/fomo.ts'
import { yolov2 } from './grids/yolov2.ts'
import { checkPlausible } from './guard.ts'

/** Graphs of the signatures that strangers' files have, with known answers. Real files are in wild.test.ts. */

const nchw = (edge: number) => [{ name: 'input', shape: [1, 3, edge, edge] }]
const square = (edge: number) => ({ width: edge, height: edge })

/** Maps of one value, with single cells set: [channel, row, column, value]. */
function map(name: string, channels: number, edge: number, set: readonly number[][], fill = 0): GraphOutput {
  const values = new Float32Array(channels * edge * edge).fill(fill)
  for (const [channel, row, column, value] of set as [number, number, number, number][]) {
    values[(channel * edge + row) * edge + column] = value
  }
  return { name, shape: [1, channels, edge, edge], values }
}

describe('MediaPipe', () => {
  it.each([
    ['mediapipe-palm', 192, 18, 2016, 24 * 24 * 2, 8],
    ['mediapipe-palm', 256, 18, 2944, 32 * 32 * 2, 8],
    ['mediapipe-pose', 128, 12, 896, 16 * 16 * 2, 8],
    ['mediapipe-pose', 224, 12, 2254, 28 * 28 * 2, 8],
    ['blazeface', 192, 16, 2304, 0, 4],
  ])('reads %s of %i by its columns', async (family, edge, columns, rows, firstRow, stride) => {
    // The first anchor of a grid lies half a stride from the corner.
    const half = (firstRow === 0 ? stride : 2 * stride) / 2
    const box = [20 - half, 24 - half, 16, 8]
    const outputs = [
      { name: 'a', shape: [1, rows, columns], values: table(rows, columns, { [firstRow]: box }) },
      { name: 'b', shape: [1, rows, 1], values: table(rows, 1, { [firstRow]: [logitOf(0.9)] }, -20) },
    ]
    const { model, detections } = await find(constantModel(nchw(edge), outputs), square(edge))
    expect([model.family, model.contract.input.geometry.fit]).toEqual([family, 'letterbox'])
    expect(summary(detections).map((row) => row.slice(1))).toEqual([[0.9, 12, 20, 28, 28]])
    expect(detections[0]?.keypoints).toHaveLength((columns - 4) / 2)
  })

  it('reads grids as outputs of their own', async () => {
    const outputs = [
      { name: 's1', shape: [1, 384, 1], values: table(384, 1, { 0: [logitOf(0.9)] }, -20) },
      { name: 'r0', shape: [1, 512, 16], values: table(512, 16, {}) },
      { name: 's0', shape: [1, 512, 1], values: table(512, 1, {}, -20) },
      { name: 'r1', shape: [1, 384, 16], values: table(384, 16, { 0: [2, 2, 8, 8] }) },
    ]
    const { model, detections } = await find(constantModel(nchw(128), outputs), square(128))
    expect(model.family).toBe('blazeface')
    expect(summary(detections)).toEqual([['face', 0.9, 6, 6, 14, 14]])
  })

  it('reads Model Maker files: y before x, background first', async () => {
    const rows = 12_276
    // The second aspect of the first scale of the first cell is a square of 24 about (4, 4).
    const outputs = [
      { name: 'boxes', shape: [1, rows, 4], values: table(rows, 4, { 1: [1, 0.5, 0, 0] }) },
      { name: 'scores', shape: [1, rows, 3], values: table(rows, 3, { 1: [0, 0, logitOf(0.8)] }, -20) },
    ]
    const { model, detections } = await find(constantModel(nchw(256), outputs), square(256), {
      labels: ['cat', 'dog'],
    })
    expect(model.family).toBe('mediapipe-model-maker')
    expect(summary(detections)).toEqual([['dog', 0.8, 4, 16, 28, 40]])
  })
})

describe('faces by maps and priors', () => {
  it.each([
    [10, 'face'],
    [8, 'license plate'],
  ])('reads RetinaFace with %i landmark values as %s', async (columns, label) => {
    const rows = (80 * 80 + 40 * 40 + 20 * 20) * 2
    // The first prior: 16 wide about (4, 4).
    const outputs = [
      { name: 'loc', shape: [1, rows, 4], values: table(rows, 4, { 0: [10, 5, 0, 0] }) },
      { name: 'conf', shape: [1, rows, 2], values: table(rows, 2, { 0: [0.1, 0.9] }) },
      { name: 'landms', shape: [1, rows, columns], values: table(rows, columns, { 0: [5, 5] }) },
    ]
    const { model, detections } = await find(constantModel(nchw(640), outputs), square(640))
    expect([model.family, model.contract.input.colour]).toEqual(['retinaface', 'BGR'])
    expect(summary(detections)).toEqual([[label, 0.9, 12, 4, 28, 20]])
    expect(detections[0]?.keypoints?.[0]).toMatchObject({ x: 12, y: 12 })
  })

  it('reads CenterFace: height before width', async () => {
    const outputs = [
      map('h', 1, 80, [[0, 10, 20, 0.9]]),
      map('s', 2, 80, [
        [0, 10, 20, Math.log(8)],
        [1, 10, 20, Math.log(4)],
      ]),
      map('o', 2, 80, []),
      map('l', 10, 80, [[1, 10, 20, 0.5]]),
    ]
    const { model, detections } = await find(constantModel(nchw(320), outputs), square(320))
    expect(model.family).toBe('centerface')
    // 16 wide and 32 tall about (82, 42).
    expect(summary(detections)).toEqual([['face', 0.9, 74, 26, 90, 58]])
    expect(detections[0]?.keypoints?.[0]).toMatchObject({ x: 82, y: 26 })
  })

  it('reads DBFace: peaks with four sides', async () => {
    const sides = [1, 2, 3, 4].flatMap((side, channel) => [
      [channel, 10, 20, side],
      [channel, 10, 21, side],
    ])
    const outputs = [
      map('box', 4, 64, sides),
      map('hm', 1, 64, [
        [0, 10, 20, 0.9],
        [0, 10, 21, 0.8],
      ]),
      map('landmark', 10, 64, []),
    ]
    const { model, detections } = await find(constantModel(nchw(256), outputs), square(256))
    expect(model.family).toBe('dbface')
    expect(summary(detections)).toEqual([['face', 0.9, 76, 32, 92, 56]])
  })
})

function context(classes: number, options: Record<string, unknown>, edge = 96): DecodeContext {
  const contract = {
    family: 'any',
    output: { classes, options, scoreActivation: 'none', roles: {} },
    suppression: { maxDetections: 10 },
  } as unknown as Contract
  const at = letterbox(square(edge), square(edge), { fit: 'stretch', align: 'centre', rounding: 'round' })
  return { contract, letterbox: at, minScore: 0.5 }
}

describe('grids of small chips', () => {
  it('joins the cells of FOMO that touch', () => {
    const data = new Float32Array(12 * 12 * 2)
    for (const [row, column, score] of [
      [2, 3, 0.6],
      [3, 4, 0.9],
      [9, 9, 0.7],
    ] as const) {
      data[(row * 12 + column) * 2 + 1] = score
    }
    const cells = { type: 'float32', dims: [1, 12, 12, 2], data }
    const found = fomo.decode({ cells }, context(2, { channelsLast: true }))
    expect([...found.boxes]).toEqual([24, 16, 40, 32, 72, 72, 80, 80])
    expect([...found.scores].map((score) => score.toFixed(1))).toEqual(['0.9', '0.7'])
  })

  it('reads a YOLOv2 grid against its anchors', () => {
    const data = new Float32Array(3 * 3 * 30).fill(-20)
    // Cell (1, 2), second anchor of 2 × 4 cells: middle of the cell, as large as the anchor.
    data.set([0, 0, 0, 0, logitOf(0.8), 0], (2 * 3 + 1) * 30 + 6)
    const anchors = [[1, 1, 2, 4, 1, 1, 1, 1, 1, 1]]
    const grid = { type: 'float32', dims: [1, 3, 3, 30], data }
    const found = yolov2.decode({ grid }, context(1, { anchors, strides: [32], channelsLast: true }))
    expect([...found.boxes]).toEqual([16, 16, 80, 144])
    expect(found.scores[0]).toBeCloseTo(0.8)
  })
})

describe('cut YOLOv8 heads', () => {
  const LEVELS = [
    [8, 20],
    [16, 10],
    [32, 5],
  ] as const
  /** Logits of 16 bins that come to two cells for each side. */
  const twoCells = (row: number, column: number) =>
    Array.from({ length: 4 }, (_, side) => [side * 16 + 2, row, column, 50])
  const expected = [['class 1', 0.9, 12, 4, 44, 36]]

  it.each(['three', 'six', 'nine'])('reads %s outputs as what they are', async (form) => {
    const outputs = LEVELS.flatMap(([stride, edge]) => {
      const boxes = stride === 8 ? twoCells(2, 3) : []
      const score = form === 'three' ? logitOf(0.9) : logitOf(0.9)
      const scores = stride === 8 ? [[1, 2, 3, score]] : []
      if (form === 'three') {
        // Class maps are 64 channels behind those of the boxes.
        const joined = scores.map(([channel, ...rest]) => [64 + channel!, ...rest])
        const values = map(`head${stride}`, 67, edge, [...boxes, ...joined], 0)
        ;(values.values as Float32Array).fill(-20, 64 * edge * edge)
        for (const [channel, row, column, value] of joined as [number, number, number, number][]) {
          ;(values.values as Float32Array)[(channel * edge + row) * edge + column] = value
        }
        return [values]
      }
      const apart = [map(`box${stride}`, 64, edge, boxes), map(`cls${stride}`, 3, edge, scores, -20)]
      return form === 'nine' ? [...apart, map(`sum${stride}`, 1, edge, [], 0.1)] : apart
    })
    const { model, detections } = await find(constantModel(nchw(160), outputs), square(160))
    expect(model.family).toBe('yolov8-raw')
    expect(summary(detections)).toEqual(expected)
  })
})

describe('pyramids', () => {
  it.each([
    ['P2', 64, 256 + 64 + 16 + 4],
    ['P6', 64, 64 + 16 + 4 + 1],
    ['two levels', 64, 16 + 4],
  ])('reads YOLOv8 with %s', async (_, edge, cells) => {
    const head = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], cells, 6)
    const bytes = constantModel(nchw(edge), [{ name: 'output0', shape: [1, 6, cells], values: head }], {
      task: 'detect',
      names: "{0: 'cat', 1: 'dog'}",
    })
    expect(summary((await find(bytes, square(edge))).detections)).toEqual([['cat', 0.9, 22, 24, 42, 40]])
  })
})

describe('axes that are only names', () => {
  it.each([
    ['all of them', ['batch', 'channels', 'anchors']],
    ['the classes alone', ['batch', 'channels', 84]],
    ['no shape at all', undefined],
  ])('are learnt from a run: %s', async (_, shape) => {
    const values = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6)
    const bytes = constantModel(
      [{ name: 'images', shape: ['batch', 3, 'height', 'width'] }],
      [{ name: 'output0', shape: [1, 6, 84], values, declares: shape ?? null }],
      { task: 'detect', names: "{0: 'cat', 1: 'dog'}", imgsz: '[64, 64]', author: 'Ultralytics' },
    )
    const { model, detections } = await find(bytes, square(64))
    expect(model.family).toBe('yolov8')
    expect(summary(detections)).toEqual([['cat', 0.9, 22, 24, 42, 40]])
  })
})

describe('plausibility', () => {
  const candidates = (boxes: number[], scores: number[]) => ({
    count: scores.length,
    boxes: Float32Array.from(boxes),
    scores: Float32Array.from(scores),
    classIds: new Int32Array(scores.length),
    frame: 'input' as const,
  })
  it.each([
    ['a score of 18', [1, 1, 9, 9], [18]],
    ['boxes turned inside out', [9, 9, 1, 1], [0.9]],
    ['boxes many times the frame', [0, 0, 9000, 9], [0.9]],
    ['boxes far beside the frame', [900, 9, 950, 20], [0.9]],
  ])('stops at %s', (_, boxes, scores) => {
    expect(() => checkPlausible(candidates(boxes, scores), context(1, {}))).toThrow(
      expect.objectContaining({ code: 'MODEL_OUTPUT' }),
    )
  })
  it('lets single left-overs of a sound model pass', () => {
    const boxes = [1, 1, 9, 9, 9, 9, 1, 1, Number.NaN, 0, 1, 1, 5, 5, 20, 20]
    expect(() => checkPlausible(candidates(boxes, [0.9, 0.4, 0.9, 0.8]), context(1, {}))).not.toThrow()
  })
})

describe('weights beside a model', () => {
  let folder: string
  const head = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6)
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-beside-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const save = async (location: string): Promise<{ path: string; weights: Uint8Array }> => {
    const bytes = constantModel(
      nchw(64),
      [{ name: 'output0', shape: [1, 6, 84], values: head, stored: true }],
      { task: 'detect', names: "{0: 'cat', 1: 'dog'}" },
    )
    const { graph, weights } = splitWeights(bytes, location)!
    const path = join(folder, `${location.replace(/\W/g, '_')}.onnx`)
    await writeFile(path, graph)
    return { path, weights }
  }

  it('are read', async () => {
    const { path, weights } = await save('best.onnx.data')
    await writeFile(join(folder, 'best.onnx.data'), weights)
    await using detector = await Detector.load(path)
    const { detections } = await detector.detect({ ...square(64), data: new Uint8Array(64 * 64 * 3) })
    expect(summary(detections)).toEqual([['cat', 0.9, 22, 24, 42, 40]])
  })
  it('are refused outside the folder, by path and by link', async () => {
    for (const location of ['../best.onnx.data', '/etc/passwd', 'a/b.data']) {
      const { path } = await save(location)
      await expect(Detector.load(path)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    }
    const { path } = await save('link.data')
    await symlink('/etc/passwd', join(folder, 'link.data'))
    await expect(Detector.load(path)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })
  it('are named when they lack, and refused when they are too short', async () => {
    const { path, weights } = await save('gone.data')
    await expect(Detector.load(path)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      hint: expect.stringContaining('.data'),
    })
    await writeFile(join(folder, 'gone.data'), weights.subarray(0, 100))
    await expect(Detector.load(path)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' })
  })
})

describe('models of other runtimes', () => {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
  it.each([
    ['\x89HDF\r\n\x1a\n', 'x', /Keras/],
    [
      '\x40\0\0\0\0\0\0\0{"__metadata__":{"format":"pt"}}                                     ',
      'x',
      /safetensors/,
    ],
    ['ftrt\0\0', 'x', /TensorRT/],
    ['RKNN\0', 'x', /RKNN/],
    ['\n\x20\n\x05image\x12\x0bPlaceholder', 'x', /TensorFlow/],
    ['\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'x', /PyTorch/],
    ['anything', 'best.engine', /TensorRT/],
    ['anything', 'model.pdmodel', /Paddle/],
    ['anything', 'model.mlmodel', /Core ML/],
  ])('%j under "%s" is told as what it is, with a command', (text, name, expected) => {
    const format = foreignFormat(bytes(text), name)
    expect(format?.name).toMatch(expected)
    expect(format?.hint.length).toBeGreaterThan(20)
  })
  it('leaves anything else alone', () => {
    expect(foreignFormat(bytes('hello'), 'model.onnx')).toBeUndefined()
  })
})
