import { describe, expect, it } from 'vitest'
import { find, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput, type GraphOutput } from '../../../test/support/onnx-graph.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { recognise } from '../recognise.ts'

/** Relatives of files met in public: the endings that other exporters give the same networks. */

const SQUARE = { width: 320, height: 320 }
const inputs: GraphInput[] = [{ name: 'images', shape: [1, 3, 320, 320] }]
const BOX = [40, 80, 120, 200]
const whole = (name: string, shape: number[], values: number[]): GraphOutput => ({
  name,
  shape,
  type: 'int32',
  values,
})
const counted = ([count, boxes, scores, classes]: readonly [string, string, string, string], box = BOX) => [
  whole(count, [1, 1], [1]),
  { name: boxes, shape: [1, 100, 4], values: table(100, 4, { 0: box }) },
  { name: scores, shape: [1, 100], values: table(100, 1, { 0: [0.9] }) },
  whole(classes, [1, 100], [2, ...new Array<number>(99).fill(0)]),
]

describe('final rows of TensorRT', () => {
  it.each([
    ['EfficientNMS', ['num_detections', 'detection_boxes', 'detection_scores', 'detection_classes']],
    ['BatchedNMS', ['num_detections', 'nmsed_boxes', 'nmsed_scores', 'nmsed_classes']],
    ['no names', ['a', 'b', 'c', 'd']],
  ] as const)('are read as corners in pixels: %s', async (_, names) => {
    const { model, detections } = await find(constantModel(inputs, counted(names)), SQUARE)
    expect(model.family).toBe('batched-nms')
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
  })

  it('are fractions where a run shows it', async () => {
    const bytes = constantModel(inputs, counted(['a', 'b', 'c', 'd'], [0.125, 0.25, 0.375, 0.625]))
    const { detections } = await find(bytes, SQUARE)
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
  })
})

describe('a box, a score and a class for each cell', () => {
  it('are suppressed, as AI Hub leaves them', async () => {
    const cells = 2100
    const { model, detections } = await find(
      constantModel(inputs, [
        { name: 'boxes', shape: [1, cells, 4], values: table(cells, 4, { 7: BOX, 8: BOX }) },
        { name: 'scores', shape: [1, cells], values: table(cells, 1, { 7: [0.9], 8: [0.8] }) },
        { name: 'class_idx', shape: [1, cells], type: 'uint8', values: new Uint8Array(cells).fill(1) },
      ]),
      SQUARE,
    )
    expect(model.family).toBe('batched-nms')
    expect(summary(detections)).toEqual([['class 1', 0.9, ...BOX]])
  })
})

describe('rows without an axis for the picture', () => {
  const rows = (values: number[]) =>
    constantModel(inputs, [{ name: 'rows', shape: ['n', 6], values }], {}, { ops: ['NonMaxSuppression'] })

  it('are box, score and class where a run bears it out', async () => {
    const { model, detections } = await find(rows([...BOX, 0.9, 2]), SQUARE)
    expect(model.family).toBe('yolo-end2end')
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
  })

  it('are refused in another order of columns', async () => {
    await expect(find(rows([2, 0.9, ...BOX]), SQUARE)).rejects.toMatchObject({ code: 'MODEL_UNRECOGNISED' })
  })
})

describe('torchvision with masks or keypoints', () => {
  it.each([
    ['masks', [{ name: 'masks', shape: [1, 1, 8, 8], values: new Float32Array(64) }]],
    [
      'keypoints',
      [
        { name: 'keypoints', shape: [1, 17, 3], values: new Float32Array(51) },
        { name: 'keypoint_scores', shape: [1, 17], values: new Float32Array(17) },
      ],
    ],
  ] as [string, GraphOutput[]][])('gives its boxes: %s', async (_, more) => {
    const bytes = constantModel(
      [{ name: 'input', shape: [3, 'h', 'w'] }],
      [
        { name: 'boxes', shape: ['n', 4], values: BOX },
        { name: 'labels', shape: ['n'], type: 'int64', values: [2] },
        { name: 'scores', shape: ['n'], values: [0.9] },
        ...more,
      ],
    )
    const { model, detections } = await find(bytes, SQUARE)
    expect(model.family).toBe('torchvision')
    expect(summary(detections)).toEqual([['class 2', 0.9, ...BOX]])
  })
})

describe('a transposed head without names', () => {
  const signature = (weightedChannels: number[]): ModelSignature => ({
    format: 'onnx',
    bytes: 1,
    producer: { name: '', version: '' },
    opsets: {},
    ops: {},
    parameters: 0,
    metadata: {},
    inputs: [{ name: 'images', type: 'float32', shape: [1, 3, 320, 320] }],
    outputs: [{ name: 'output0', type: 'float32', shape: [1, 2100, 6] }],
    tails: { output0: { ops: ['Concat', 'Sigmoid'], weightedChannels, hasLargeConstant: true } },
  })

  it.each([
    ['yolov8', [64, 64, 64, 2, 2, 2]],
    ['yolov8', [4, 2, 4, 2, 4, 2]],
    ['yolox', [4, 1, 1, 4, 1, 1, 4, 1, 1]],
  ])('is a %s by its last layers', (family, layers) => {
    expect(recognise(signature(layers), 'any').contract.family).toBe(family)
  })
})

describe('a column without a name', () => {
  it('is "no object" at the end of the scores of an RF-DETR', async () => {
    const logits = table(4, 3, { 0: [-9, 3, -9], 1: [-9, -9, 5], 2: [-9, -9, -9], 3: [-9, -9, -9] })
    const bytes = constantModel(inputs, [
      {
        name: 'dets',
        shape: [1, 4, 4],
        values: table(4, 4, { 0: [0.5, 0.5, 0.5, 0.5], 1: [0.2, 0.2, 0.1, 0.1] }),
      },
      { name: 'labels', shape: [1, 4, 3], values: logits },
    ])
    const { detections } = await find(bytes, SQUARE, { labels: ['helmet', 'vest'] })
    expect(detections.map(({ label }) => label)).toEqual(['vest'])
  })
})

describe('what only has the shape of a head', () => {
  const plain = {
    format: 'onnx',
    bytes: 1,
    producer: { name: '', version: '' },
    opsets: {},
    ops: {},
  } as const
  const common = { ...plain, parameters: 0, metadata: {} }

  it('is no head where a backbone ends in a rectifier', () => {
    const outputs = [40, 20, 10].map((edge) => ({
      name: `c${edge}`,
      type: 'float32' as const,
      shape: [1, 255, edge, edge],
    }))
    const tail = (op: string) => ({ ops: [op, 'Conv'], weightedChannels: [255], hasLargeConstant: false })
    const signature = (op: string): ModelSignature => ({
      ...common,
      inputs: [{ name: 'images', type: 'float32', shape: [1, 3, 320, 320] }],
      outputs,
      tails: Object.fromEntries(outputs.map(({ name }) => [name, tail(op)])),
    })
    expect(() => recognise(signature('Relu'), 'any')).toThrow(/known family/)
    expect(recognise(signature('Conv'), 'any').contract.family).toBe('yolov5-raw')
  })

  it('is no head where a text recogniser has as many letters as a rare pyramid cells', () => {
    const signature: ModelSignature = {
      ...common,
      inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 48, 320] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1, 40, 85] }],
      tails: { y: { ops: ['Softmax', 'Add', 'MatMul'], weightedChannels: [85], hasLargeConstant: false } },
    }
    expect(() => recognise(signature, 'any')).toThrow(/text recogniser/)
  })
})
