import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { row, table } from '../../test/support/family-runs.ts'
import {
  constantModel,
  type GraphFacts,
  type GraphInput,
  type GraphOutput,
  yolov8Head,
} from '../../test/support/onnx-graph.ts'
import type { PixelBox } from '../boxes/box.ts'
import { iou } from '../boxes/iou.ts'
import { Detector } from '../detector/detector.ts'
import { BoxletError } from '../errors.ts'

/** Endings of real exports with one object in them, changed as exporters and tools change them. */

const EDGE = 320
const TRUE_BOX: PixelBox = { x1: 40, y1: 80, x2: 120, y2: 200 }
const BOX = [40, 80, 120, 200]
const RATIO = BOX.map((value) => value / EDGE)
const CENTRE = [80, 140, 80, 120]
const CENTRE_RATIO = CENTRE.map((value) => value / EDGE)
const CLASS = 2
const SCORE = 0.9

interface Ending {
  inputs: GraphInput[]
  outputs: GraphOutput[]
  facts?: GraphFacts
}

const nchw = (name = 'images', type: GraphInput['type'] = 'float32'): GraphInput => ({
  name,
  type,
  shape: [1, 3, EDGE, EDGE],
})
const floats = (name: string, shape: (number | string)[], values: ArrayLike<number>): GraphOutput => ({
  name,
  shape,
  values,
})
const whole = (
  name: string,
  shape: (number | string)[],
  values: number[],
  type: 'int64' | 'int32' = 'int64',
) => ({
  name,
  shape,
  values,
  type,
})
const first = (count: number, value: number): number[] => [value, ...new Array<number>(count - 1).fill(0)]
const classes = (count: number, score: number, rest = 0): number[] => row([], count, CLASS, score, rest)

const ENDINGS: Record<string, Ending> = {
  yolov8: {
    inputs: [nchw()],
    outputs: [floats('output0', [1, 84, 2100], yolov8Head([[...CENTRE, ...classes(80, SCORE)]], 2100, 84))],
  },
  yolov5: {
    inputs: [nchw()],
    outputs: [floats('output', [1, 6300, 85], table(6300, 85, { 0: [...CENTRE, 1, ...classes(80, SCORE)] }))],
  },
  'final rows': {
    inputs: [nchw()],
    outputs: [floats('output0', [1, 300, 6], table(300, 6, { 0: [...BOX, SCORE, CLASS] }))],
    facts: { ops: ['TopK'] },
  },
  yolov7: {
    inputs: [nchw()],
    outputs: [floats('output', ['n', 7], [0, ...BOX, CLASS, SCORE])],
    facts: { ops: ['NonMaxSuppression'] },
  },
  'yolo-nas': {
    inputs: [nchw('input', 'uint8')],
    outputs: [floats('output', ['n', 7], [0, ...BOX, SCORE, CLASS])],
    facts: { ops: ['NonMaxSuppression'] },
  },
  tensorrt: {
    inputs: [nchw()],
    outputs: [
      whole('num_dets', [1, 1], [1], 'int32'),
      floats('det_boxes', [1, 100, 4], table(100, 4, { 0: BOX })),
      floats('det_scores', [1, 100], first(100, SCORE)),
      whole('det_classes', [1, 100], first(100, CLASS), 'int32'),
    ],
  },
  cells: {
    inputs: [nchw()],
    outputs: [
      floats('scores', [1, 2100, 80], table(2100, 80, { 7: classes(80, SCORE) })),
      floats('boxes', [1, 2100, 4], table(2100, 4, { 7: BOX })),
    ],
  },
  mmdeploy: {
    inputs: [nchw('input')],
    outputs: [
      floats('dets', [1, 100, 5], table(100, 5, { 0: [...BOX, SCORE] })),
      whole('labels', [1, 100], first(100, CLASS)),
    ],
  },
  'detr with sizes': {
    inputs: [nchw(), { name: 'orig_target_sizes', shape: [1, 2], type: 'int64' }],
    outputs: [
      whole('labels', [1, 300], first(300, CLASS)),
      floats('boxes', [1, 300, 4], table(300, 4, { 0: BOX })),
      floats('scores', [1, 300], first(300, SCORE)),
    ],
  },
  detr: {
    inputs: [nchw('pixel_values')],
    outputs: [
      floats('logits', [1, 300, 80], table(300, 80, { 0: classes(80, 3, -9) }, -9)),
      floats('pred_boxes', [1, 300, 4], table(300, 4, { 0: CENTRE_RATIO }, 0.1)),
    ],
  },
  'rf-detr': {
    inputs: [nchw('input')],
    outputs: [
      floats('dets', [1, 300, 4], table(300, 4, { 0: CENTRE_RATIO }, 0.1)),
      floats('labels', [1, 300, 91], table(300, 91, { 0: classes(91, 3, -9) }, -9)),
    ],
  },
  paddle: {
    inputs: [nchw('image'), { name: 'scale_factor', shape: [1, 2] }],
    outputs: [floats('rows', ['n', 6], [CLASS, SCORE, ...BOX]), whole('count', [1], [1], 'int32')],
  },
  tensorflow: {
    inputs: [{ name: 'input_tensor:0', shape: [1, 'h', 'w', 3], type: 'uint8' }],
    outputs: [
      floats(
        'detection_boxes',
        [1, 100, 4],
        table(100, 4, { 0: [RATIO[1]!, RATIO[0]!, RATIO[3]!, RATIO[2]!] }),
      ),
      floats('detection_classes', [1, 100], first(100, CLASS)),
      floats('detection_scores', [1, 100], first(100, SCORE)),
      floats('num_detections', [1], [1]),
    ],
  },
  'ssd of the zoo': {
    inputs: [nchw('image')],
    outputs: [
      floats('bboxes', [1, 200, 4], table(200, 4, { 0: RATIO })),
      whole('labels', [1, 200], first(200, CLASS)),
      floats('scores', [1, 200], first(200, SCORE)),
    ],
  },
  torchvision: {
    inputs: [{ name: 'images', shape: [3, 'h', 'w'] }],
    outputs: [
      floats('boxes', ['n', 4], BOX),
      floats('scores', ['n'], [SCORE]),
      whole('labels', ['n'], [CLASS]),
    ],
  },
  efficientdet: {
    inputs: [nchw('image')],
    outputs: [floats('detections', [1, 100, 7], table(100, 7, { 0: [0, 80, 40, 200, 120, SCORE, CLASS] }))],
  },
}

/** What keeps every value and only tells less, or otherwise. */
interface Change {
  names: boolean
  order: number
  turn: boolean
  lead: 'keep' | 'drop' | 'add'
  open: boolean
  undeclared: boolean
  floats: boolean
  leaveOut: boolean
}

const change: fc.Arbitrary<Change> = fc.record({
  names: fc.boolean(),
  order: fc.nat(23),
  turn: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  lead: fc.constantFrom('keep' as const, 'keep' as const, 'drop' as const, 'add' as const),
  open: fc.boolean(),
  undeclared: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
  floats: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  leaveOut: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

function changed(outputs: readonly GraphOutput[], how: Change): GraphOutput[] {
  const left = how.leaveOut && outputs.length > 1 ? outputs.slice(1) : outputs
  return inOrder(left, how.order).map((output, i) => {
    const turned = how.turn ? transposed(output) : output
    const shape = withLead(turned.shape, how.lead)
    return {
      ...turned,
      name: how.names ? output.name : `${1000 + i}`,
      shape,
      type: how.floats ? 'float32' : (output.type ?? 'float32'),
      ...(how.undeclared
        ? { declares: null }
        : how.open
          ? { declares: shape.map((_, axis) => `axis${i}_${axis}`) }
          : {}),
    }
  })
}

const inOrder = <T>(items: readonly T[], seed: number): T[] => {
  const left = [...items]
  return items.map((_, i) => left.splice((seed + i) % left.length, 1)[0]!)
}

function withLead(shape: GraphOutput['shape'], lead: Change['lead']): GraphOutput['shape'] {
  if (lead === 'add') {
    return [1, ...shape]
  }
  return lead === 'drop' && shape[0] === 1 && shape.length > 1 ? shape.slice(1) : shape
}

/** [1, a, b] as [1, b, a]. */
function transposed(output: GraphOutput): GraphOutput {
  const [lead, rows, columns] = output.shape
  if (output.shape.length !== 3 || lead !== 1 || typeof rows !== 'number' || typeof columns !== 'number') {
    return output
  }
  const values = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      values[c * rows + r] = output.values[r * columns + c]!
    }
  }
  return { ...output, shape: [1, columns, rows], values }
}

const rounds = Number(process.env.BOXLET_TEST_SOAK) || 250

describe('an ending of a real export, changed', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-endings-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it(
    'gives its object where it was put, or a refusal',
    async () => {
      let found = 0
      let count = 0
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...Object.keys(ENDINGS)), change, async (name, how) => {
          const { inputs, outputs, facts } = ENDINGS[name]!
          const path = join(folder, `ending${count++}.onnx`)
          await writeFile(path, constantModel(inputs, changed(outputs, how), {}, facts))
          try {
            await using detector = await Detector.load(path, { threads: 1 })
            const data = new Uint8Array(EDGE * EDGE * 3).fill(128)
            const { detections } = await detector.detect({ width: EDGE, height: EDGE, data })
            found += detections.length > 0 ? 1 : 0
            for (const { score, box, classId } of detections) {
              const seen = `${name} as ${detector.model.family}: class ${classId}, ${score} at ${Object.values(box).join(' ')}`
              expect(score >= 0 && score <= 1.01, seen).toBe(true)
              expect(iou(box, TRUE_BOX), seen).toBeGreaterThan(0.9)
              expect(classId, seen).toBe(CLASS)
            }
          } catch (error) {
            if (!(error instanceof BoxletError)) {
              throw error
            }
            expect(error.code).toMatch(/^(MODEL_|CONTRACT_INVALID)/)
          } finally {
            await rm(path, { force: true })
          }
        }),
        { numRuns: rounds, seed: 26 },
      )
      expect(found).toBeGreaterThan(rounds / 10)
    },
    Math.max(120_000, rounds * 200),
  )
})
