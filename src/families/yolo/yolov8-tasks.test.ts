import { describe, expect, it } from 'vitest'
import { find, summary } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput, yolov8Head } from '../../../test/support/onnx-graph.ts'

const images: GraphInput[] = [{ name: 'images', shape: [1, 3, 320, 320] }]
const CELLS = 2100
const SQUARE = { width: 320, height: 320 }
const meta = (task: string, more: Record<string, string> = {}) => ({
  author: 'Ultralytics',
  task,
  names: "{0: 'cat', 1: 'dog'}",
  ...more,
})
const head = (row: readonly number[]) => [
  { name: 'output0', shape: [1, row.length, CELLS], values: yolov8Head([row], CELLS, row.length) },
]

describe('yolov8 tasks', () => {
  it('segments: coefficients are no classes', async () => {
    const prototypes = new Float32Array(32 * 80 * 80)
    // A prototype that is on in the left half of the input.
    for (let y = 0; y < 80; y++) {
      for (let x = 0; x < 80; x++) {
        prototypes[y * 80 + x] = x < 40 ? 1 : -1
      }
    }
    const row = [160, 160, 100, 100, 0.1, 0.8, 10, ...new Array<number>(31).fill(0)]
    const { model, detections } = await find(
      constantModel(
        images,
        [...head(row), { name: 'output1', shape: [1, 32, 80, 80], values: prototypes }],
        meta('segment'),
      ),
      SQUARE,
    )
    expect([model.family, model.contract.output.classes]).toEqual(['yolov8-segment', 2])
    expect(summary(detections)).toEqual([['dog', 0.8, 110, 110, 210, 210]])
    const mask = detections[0]?.mask
    const inside = mask?.data.reduce((sum, pixel) => sum + pixel, 0) ?? 0
    expect(inside / (mask?.data.length ?? 1)).toBeCloseTo(0.5, 1)
  })

  it('poses: keypoints come in pixels of the picture', async () => {
    const row = [160, 160, 100, 100, 0.1, 0.8, 150, 140, 0.9, 170, 180, 0.2]
    const { model, detections } = await find(
      constantModel(images, head(row), meta('pose', { kpt_shape: '[2, 3]' })),
      { width: 640, height: 640 },
    )
    expect([model.family, model.contract.task]).toEqual(['yolov8-pose', 'pose'])
    expect(detections[0]?.keypoints?.map(({ x, y }) => [x, y])).toEqual([
      [300, 280],
      [340, 360],
    ])
  })

  it('poses without visibility: every point counts as seen', async () => {
    const row = [160, 160, 100, 100, 0.1, 0.8, 150, 140, 170, 180]
    const { detections } = await find(
      constantModel(images, head(row), meta('pose', { kpt_shape: '[2, 2]' })),
      SQUARE,
    )
    expect(detections[0]?.keypoints?.map(({ score }) => score)).toEqual([1, 1])
  })

  it('turns boxes: the upright box holds all four corners', async () => {
    const row = [160, 160, 100, 50, 0.1, 0.8, Math.PI / 2]
    const { model, detections } = await find(constantModel(images, head(row), meta('obb')), SQUARE)
    expect([model.family, model.contract.task]).toEqual(['yolov8-obb', 'obb'])
    expect(summary(detections)).toEqual([['dog', 0.8, 135, 110, 185, 210]])
    expect(detections[0]?.corners).toHaveLength(4)
  })

  it('classifies: the box is the whole picture', async () => {
    const bytes = constantModel(
      [{ name: 'images', shape: [1, 3, 224, 224] }],
      [{ name: 'output0', shape: [1, 2], values: [0.3, 0.7] }],
      meta('classify'),
    )
    const { model, detections } = await find(bytes, { width: 640, height: 320 })
    expect([model.family, model.contract.task]).toEqual(['yolov8-classify', 'classify'])
    expect(summary(detections)).toEqual([
      ['dog', 0.7, 0, 0, 640, 320],
      ['cat', 0.3, 0, 0, 640, 320],
    ])
  })
})

describe('yolov9', () => {
  it('reads the second of two heads', async () => {
    const two = ['first', 'second'].map((name, i) => ({
      name,
      shape: [1, 6, CELLS],
      values: yolov8Head([[160, 160, 100, 100, 0, i === 0 ? 0.9 : 0.8]], CELLS, 6),
    }))
    const { model, detections } = await find(constantModel(images, two), SQUARE, { labels: ['cat', 'dog'] })
    expect(model.family).toBe('yolov9')
    expect(summary(detections)).toEqual([['dog', 0.8, 110, 110, 210, 210]])
  })
})

describe('rtdetr-ultralytics', () => {
  it('reads fractions of a stretched picture for each query', async () => {
    const wider = new Float32Array(300 * 84)
    wider.set([0.5, 0.5, 0.25, 0.5], 0)
    wider[4 + 16] = 0.8
    const { model, detections } = await find(
      constantModel(images, [{ name: 'output0', shape: [1, 300, 84], values: wider }], {
        author: 'Ultralytics',
        description: 'Ultralytics rtdetr-l model',
      }),
      { width: 640, height: 320 },
    )
    expect(model.family).toBe('rtdetr-ultralytics')
    expect(summary(detections)).toEqual([['dog', 0.8, 240, 80, 400, 240]])
  })
})

describe('float16 heads', () => {
  it('are widened before they are read', async () => {
    // 0x5900 is 160, 0x5640 is 100, 0x3a66 is 0.7998 in half precision.
    const bits = new Uint16Array(6 * CELLS)
    for (const [channel, half] of [0x5900, 0x5900, 0x5640, 0x5640, 0, 0x3a66].entries()) {
      bits[channel * CELLS] = half
    }
    const inputs: GraphInput[] = [{ name: 'images', shape: [1, 3, 320, 320], type: 'float16' }]
    const { model, detections } = await find(
      constantModel(
        inputs,
        [{ name: 'output0', shape: [1, 6, CELLS], type: 'float16', values: bits }],
        meta('detect'),
      ),
      SQUARE,
    )
    expect([model.family, model.contract.input.dtype]).toEqual(['yolov8', 'float16'])
    expect(summary(detections)).toEqual([['dog', 0.8, 110, 110, 210, 210]])
  })
})
