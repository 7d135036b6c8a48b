import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { letterbox } from '../../boxes/letterbox.ts'
import type { Contract } from '../../model/contract.ts'
import type { DecodeContext, Family, RoleTensors } from '../family.ts'
import type { Tensor } from '../heads/tensor.ts'
import { sigmoid } from '../heads/values.ts'
import { yolov8 } from './yolov8.ts'
import { yolov8Obb } from './yolov8-obb.ts'
import { yolov8Pose } from './yolov8-pose.ts'
import { yolov8Raw } from './yolov8-raw.ts'
import { yolov8Segment } from './yolov8-segment.ts'

const SIDE = 32
const CELLS = 21
const STRIDES = [8, 16, 32]
const BINS = 4

function context(
  family: string,
  classes: number,
  options: Record<string, unknown> = {},
  minScore = 0.25,
): DecodeContext {
  const size = { width: SIDE, height: SIDE }
  const contract: Contract = {
    version: 1,
    name: 'any',
    family,
    task: 'detect',
    input: {
      name: 'images',
      layout: 'NCHW',
      dtype: 'float32',
      size,
      colour: 'RGB',
      mean: [0, 0, 0],
      std: [255, 255, 255],
      geometry: { fit: 'stretch', align: 'centre', pad: [0, 0, 0], rounding: 'round', resample: 'bilinear' },
    },
    extraInputs: [],
    output: {
      roles: {},
      boxCode: 'cxcywh',
      boxUnits: 'pixels',
      frame: 'input',
      scoreActivation: 'none',
      classes,
      options: { strides: STRIDES, bins: BINS, ...options },
    },
    labels: [],
    thresholds: { score: minScore },
    suppression: { kind: 'none', iou: 0.5, maxDetections: 10 },
  }
  const at = letterbox(size, size, { fit: 'stretch', align: 'centre', rounding: 'round' })
  return { contract, letterbox: at, minScore }
}

const filled = (dims: number[], value = 0.9): Tensor => ({
  type: 'float32',
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value),
})

/** Each family with its channels beside the class scores, and what its contract says of them. */
const HEADS: [string, Family, number, Record<string, unknown>, RoleTensors][] = [
  ['yolov8', yolov8, 0, {}, {}],
  ['yolov8-obb', yolov8Obb, 1, {}, {}],
  ['yolov8-pose', yolov8Pose, 6, { keypoints: 2, keypointValues: 3 }, {}],
  ['yolov8-segment', yolov8Segment, 4, {}, { prototypes: filled([1, 4, 8, 8]) }],
]

describe.each(HEADS)('the head of %s', (name, family, extra, options, others) => {
  const decode = (dims: number[], classes: number, transposed = false) =>
    family.decode(
      { predictions: filled(dims), ...others },
      context(name, classes, { ...options, transposed }),
    )
  const channels = 4 + 80 + extra

  it('is read with the classes and the axis of the contract', () => {
    expect(decode([1, channels, CELLS], 80).count).toBe(CELLS)
    expect(decode([1, CELLS, channels], 80, true).count).toBe(CELLS)
  })

  it.each([
    ['fewer classes', [1, channels, CELLS], 40, false],
    ['more classes', [1, channels, CELLS], 200, false],
    ['the other axis', [1, channels, CELLS], 80, true],
    ['the other axis of a transposed head', [1, CELLS, channels], 80, false],
    ['two pictures', [2, channels, CELLS], 80, false],
  ])('is refused under a contract of %s', (_, dims, classes, transposed) => {
    expect(() => decode(dims, classes, transposed)).toThrow(
      expect.objectContaining({
        code: 'MODEL_OUTPUT',
        message: expect.stringMatching(/^Expected .+ received/),
      }),
    )
  })
})

/** Maps of one class with all logits alike; `change` puts others in their place. */
function maps(logit: number, change: RoleTensors = {}): RoleTensors {
  const all: RoleTensors = {}
  for (const stride of STRIDES) {
    all[`boxes${stride}`] = filled([1, 4 * BINS, SIDE / stride, SIDE / stride], 0)
    all[`scores${stride}`] = filled([1, 1, SIDE / stride, SIDE / stride], logit)
  }
  return { ...all, ...change }
}

describe('yolov8-raw', () => {
  it.each<[string, RoleTensors]>([
    ['box channels', { boxes16: filled([1, 4, 2, 2]) }],
    ['classes', { scores16: filled([1, 2, 2, 2]) }],
    ['rows', { scores16: filled([1, 1, 3, 2]) }],
    ['columns', { boxes8: filled([1, 4 * BINS, 4, 2]) }],
    ['axes', { scores8: filled([1, 16]) }],
  ])('refuses maps with other %s than its contract', (_, change) => {
    expect(yolov8Raw.decode(maps(1), context('yolov8-raw', 1)).count).toBe(CELLS)
    expect(() => yolov8Raw.decode(maps(1, change), context('yolov8-raw', 1))).toThrow(
      expect.objectContaining({ code: 'MODEL_OUTPUT' }),
    )
  })

  it('widens half-precision maps', () => {
    // 0x4000 is 2 in half precision.
    const halves: Tensor = { type: 'float16', dims: [1, 1, 1, 1], data: Uint16Array.of(0x4000) }
    const found = yolov8Raw.decode(maps(-9, { scores32: halves }), context('yolov8-raw', 1))
    expect([...found.scores]).toEqual([Math.fround(sigmoid(2))])
  })

  it.each([false, true])(
    'takes and leaves the scores that the whole head does, every class: %s',
    (everyClass) => {
      const counts = (logit: number, minScore: number): number[] => {
        const head = filled([1, 5, CELLS], sigmoid(logit))
        return [
          yolov8.decode({ predictions: head }, { ...context('yolov8', 1, {}, minScore), everyClass }),
          yolov8Raw.decode(maps(logit), { ...context('yolov8-raw', 1, {}, minScore), everyClass }),
        ].map(({ count }) => count)
      }
      fc.assert(
        fc.property(fc.float({ min: -12, max: 20, noNaN: true }), (logit) => {
          const score = Math.fround(sigmoid(logit))
          expect(counts(logit, score)).toEqual([CELLS, CELLS])
          const above = score + 2 ** -23
          if (above <= 1) {
            expect(counts(logit, above)).toEqual([0, 0])
          }
        }),
        { numRuns: 500 },
      )
    },
  )
})
