import { describe, expect, it } from 'vitest'
import { find, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput, type GraphOutput } from '../../../test/support/onnx-graph.ts'
import type { Dimension, ModelSignature, TensorType } from '../../model/signature.ts'
import { recognise } from '../recognise.ts'

/** Boxes, scores and labels look alike whatever network they are from; its last layers tell. */

const SQUARE = { width: 320, height: 320 }
const BOX = [40, 80, 120, 200]
const inputs: GraphInput[] = [{ name: 'images', shape: [1, 3, 320, 320] }]

interface Seen {
  layers: number[]
  tail?: string[]
  ops?: Record<string, number>
  mean?: number
  input?: Dimension[]
  rank?: 1 | 2
}

function signature({ layers, tail = [], ops = {}, mean, input, rank = 1 }: Seen): ModelSignature {
  const lead = rank === 2 ? [1] : []
  const outputs = [
    { name: 'boxes', type: 'float32' as TensorType, shape: [...lead, 'n', 4] },
    { name: 'scores', type: 'float32' as TensorType, shape: [...lead, 'n'] },
    { name: 'labels', type: 'int64' as TensorType, shape: [...lead, 'n'] },
  ]
  return {
    format: 'onnx',
    bytes: 1,
    producer: { name: 'pytorch', version: '' },
    opsets: {},
    ops,
    parameters: 0,
    metadata: {},
    inputs: [{ name: 'images', type: 'float32', shape: input ?? [1, 3, 320, 320] }],
    outputs,
    tails: Object.fromEntries(
      outputs.map(({ name }) => [name, { ops: tail, weightedChannels: layers, hasLargeConstant: false }]),
    ),
    stems:
      mean === undefined
        ? {}
        : {
            images: {
              ops: ['Sub', 'Div'],
              constants: [{ op: 'Sub', values: [mean, mean, mean] }],
              firstWeight: undefined,
            },
          },
  }
}

const times = (count: number, width: number): number[] => new Array<number>(count).fill(width)
const inTurn = (levels: number, ...widths: number[]): number[] => times(levels, 0).flatMap(() => widths)

describe('boxes, scores and labels of a list', () => {
  // Layers and operators as exports of torch 2.14, torchvision 0.29 and ultralytics 8.4 have them.
  it.each<[string, string, string, Seen]>([
    ['YOLOv8', 'final-boxes', 'RGB 255', { layers: [...times(3, 64), ...times(3, 80)], tail: ['Softmax'] }],
    ['YOLOv8 for faces', 'final-boxes', 'RGB 255', { layers: inTurn(3, 64, 1), tail: ['Softmax'] }],
    ['YOLOv6 with bins', 'final-boxes', 'RGB 255', { layers: inTurn(3, 68, 20), tail: ['Softmax'] }],
    ['YOLO26', 'final-boxes', 'RGB 255', { layers: [4, 4, 4, 80, 80, 80] }],
    ['YOLOv5', 'final-boxes', 'RGB 255', { layers: times(3, 255) }],
    ['YOLOX', 'final-boxes', 'BGR 1', { layers: inTurn(3, 4, 1, 80), tail: ['Exp'] }],
    ['YOLOX of one class', 'final-boxes', 'BGR 1', { layers: inTurn(3, 4, 1, 1) }],
    ['RT-DETR', 'final-boxes', 'RGB 255', { layers: [4, 80], ops: { GridSample: 9 }, rank: 2 }],
    ['YOLOv8 in a batch', 'final-boxes', 'RGB 255', { layers: inTurn(3, 64, 5), tail: ['Softmax'], rank: 2 }],
    ['RetinaNet', 'torchvision', 'RGB 58.395', { layers: [...times(5, 36), ...times(5, 36)] }],
    [
      'FCOS',
      'torchvision',
      'RGB 58.395',
      { layers: [...times(5, 4), ...times(5, 1), ...times(5, 4)], tail: ['Sqrt'] },
    ],
    ['SSD', 'torchvision', 'RGB 58.395', { layers: [16, 24, 24, 24, 16, 16, 16, 24, 24, 24, 16, 16] }],
    ['Faster R-CNN', 'torchvision', 'RGB 58.395', { layers: [4, 16, 60, 60], ops: { RoiAlign: 2 } }],
    ['RetinaNet with its transform', 'torchvision', 'RGB 255', { layers: inTurn(10, 36), mean: 0.485 }],
    ['torchvision without a batch axis', 'torchvision', 'RGB 255', { layers: [], input: [3, 'h', 'w'] }],
  ])('is a %s by its last layers', (_, family, fed, seen) => {
    const { contract } = recognise(signature(seen), 'any')
    expect([contract.family, `${contract.input.colour} ${contract.input.std[0]}`]).toEqual([family, fed])
  })

  it.each([[1], [2]] as const)('is asked about where rank %i is all that there is to see', (rank) => {
    expect(() => recognise(signature({ layers: [], rank }), 'any')).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNRECOGNISED',
        hint: expect.stringContaining('--family final-boxes'),
      }),
    )
    expect(recognise(signature({ layers: [], rank }), 'any', 'final-boxes').contract.family).toBe(
      'final-boxes',
    )
  })
})

describe('a rare pyramid without names', () => {
  const cells = 80 * 80 + 40 * 40 + 20 * 20 + 10 * 10
  it.each([
    [64, inTurn(4, 64, 64), ['Softmax']],
    [4, times(8, 4), []],
    [4, inTurn(4, 64, 4), ['Softmax']],
  ] as [number, number[], string[]][])(
    'of %i classes is told by what follows its layers',
    (classes, layers, tail) => {
      const outputs = [{ name: 'output0', type: 'float32' as TensorType, shape: [1, 4 + classes, cells] }]
      const tails = { output0: { ops: tail, weightedChannels: layers, hasLargeConstant: true } }
      const { contract } = recognise({ ...signature({ layers }), outputs, tails }, 'any')
      expect([contract.family, contract.output.classes]).toEqual(['yolov8', classes])
    },
  )
})

describe('final boxes of a named family', () => {
  const contract = { family: 'final-boxes' }
  const graph = (boxes: number[], classes: GraphOutput = whole([2])) =>
    constantModel(inputs, [
      classes,
      { name: 'boxes', shape: ['n', 4], values: boxes },
      { name: 'scores', shape: ['n'], values: [0.9] },
    ])
  const whole = (values: number[]): GraphOutput => ({ name: 'labels', shape: ['n'], type: 'int64', values })

  it.each([
    ['corners in pixels', BOX],
    ['corners in fractions', [0.125, 0.25, 0.375, 0.625]],
    ['centre and size', [80, 140, 80, 120].map((value, i) => (i < 2 ? value + 40 : value))],
  ])('are %s by a run', async (_, box) => {
    const { detections } = await find(graph(box), SQUARE, { contract })
    const moved = box[0] === 120 ? [80, 120, 160, 240] : BOX
    expect(summary(detections)).toEqual([['class 2', 0.9, ...moved]])
  })

  it('take classes that are stored as floats, and no scores for classes', async () => {
    const asFloats = (value: number): GraphOutput => ({ name: 'classes', shape: ['n'], values: [value] })
    const { detections } = await find(graph(BOX, asFloats(2)), SQUARE, { contract })
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
    await expect(find(graph(BOX, asFloats(2.5)), SQUARE, { contract })).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
    })
  })

  it('stop with the cure where fractions are taken for pixels', async () => {
    const bytes = graph([0.125, 0.25, 0.375, 0.625])
    const asPixels = { family: 'final-boxes', output: { boxUnits: 'pixels' as const } }
    await expect(find(bytes, SQUARE, { contract: asPixels })).rejects.toMatchObject({
      code: 'MODEL_OUTPUT',
      message: expect.stringContaining('--set output.boxUnits=ratio'),
    })
  })
})

describe('rows of seven', () => {
  const rows = (values: number[]) =>
    constantModel(inputs, [{ name: 'output', shape: ['n', 7], values }], {}, { ops: ['NonMaxSuppression'] })

  it('are class and score', async () => {
    const { detections } = await find(rows([0, ...BOX, 2, 0.9]), SQUARE)
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
  })

  it('in a batch are asked about where no anchor shows that they are of an EfficientDet', async () => {
    const bytes = constantModel(
      inputs,
      [{ name: 'output', shape: [1, 'n', 7], values: [0, ...BOX, 0.9, 2] }],
      {},
      { ops: ['NonMaxSuppression'] },
    )
    await expect(find(bytes, SQUARE)).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
      hint: expect.stringContaining('--family'),
    })
  })

  it('name YOLO-NAS where a score stands before the class, which would find nothing', async () => {
    await expect(find(rows([0, ...BOX, 0.9, 0]), SQUARE)).rejects.toMatchObject({
      code: 'MODEL_OUTPUT',
      message: expect.stringContaining('--family yolo-nas'),
    })
  })
})

describe('dets and labels of MMDeploy', () => {
  it.each([
    ['RTMDet', 'BGR 57.375', [4, 4, 4, 80, 80, 80]],
    ['YOLOX', 'BGR 1', inTurn(3, 80, 4, 1)],
    ['RetinaNet', 'RGB 58.395', [...times(5, 36), ...times(5, 720)]],
  ])('are fed as %s is', (_, fed, layers) => {
    const outputs = [
      { name: 'dets', type: 'float32' as TensorType, shape: [1, 'n', 5] },
      { name: 'labels', type: 'int64' as TensorType, shape: [1, 'n'] },
    ]
    const tail = { ops: [], weightedChannels: layers, hasLargeConstant: false }
    const { contract } = recognise(
      { ...signature({ layers }), outputs, tails: { dets: tail, labels: tail } },
      'any',
    )
    expect(`${contract.input.colour} ${contract.input.std[0]}`).toBe(fed)
  })
})

describe('YOLOX with the suppression of TensorRT', () => {
  it('is fed bytes, blue first', () => {
    const lead = signature({ layers: inTurn(3, 4, 1, 80) })
    const names = ['num_dets', 'det_boxes', 'det_scores', 'det_classes']
    const outputs = names.map((name, i) => ({
      name,
      type: (i % 3 === 0 ? 'int32' : 'float32') as TensorType,
      shape: i === 1 ? [1, 100, 4] : [1, i === 0 ? 1 : 100],
    }))
    const tails = Object.fromEntries(names.map((name) => [name, lead.tails.scores!]))
    const { contract } = recognise({ ...lead, outputs, tails }, 'any')
    expect([contract.family, contract.input.colour, contract.input.std[0]]).toEqual(['batched-nms', 'BGR', 1])
  })
})

describe('a model that is asked in words', () => {
  it('is called so', async () => {
    const bytes = constantModel(
      [
        { name: 'pixel_values', shape: [1, 3, 320, 320] },
        { name: 'input_ids', shape: [1, 'words'], type: 'int64' },
      ],
      [
        { name: 'logits', shape: [1, 9, 256], values: table(9, 256, {}, -9) },
        { name: 'pred_boxes', shape: [1, 9, 4], values: table(9, 4, {}, 0.1) },
      ],
    )
    await expect(find(bytes, SQUARE)).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
      message: expect.stringContaining('asked in words'),
    })
  })
})
