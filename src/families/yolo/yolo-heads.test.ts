import { describe, expect, it } from 'vitest'
import { find, logitOf, row, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput } from '../../../test/support/onnx-graph.ts'

const images = (edge: number): GraphInput[] => [{ name: 'images', shape: [1, 3, edge, edge] }]
const SQUARE = { width: 320, height: 320 }
/** Twice as wide as high: a letterbox of 320 scales it by a half and leaves bars. */
const WIDE = { width: 640, height: 320 }

describe('yolov5', () => {
  const rows = 3 * (40 * 40 + 20 * 20 + 10 * 10)
  it('reads centre, size, objectness and classes, and undoes the letterbox', async () => {
    const values = table(rows, 85, { 7: row([160, 160, 100, 50, 0.9], 80, 16, 0.8) })
    const bytes = constantModel(images(320), [{ name: 'output0', shape: [1, rows, 85], values }])
    const { model, detections } = await find(bytes, WIDE)
    expect(model.family).toBe('yolov5')
    // 320 input pixels hold 640 picture pixels, and 80 rows above the picture are padding.
    expect(summary(detections)).toEqual([['dog', 0.72, 220, 110, 420, 210]])
  })

  it('reads the masks of its segmentation', async () => {
    const set = [...row([160, 160, 100, 100, 0.9], 2, 1, 0.8), 10, ...new Array<number>(31).fill(0)]
    const prototypes = new Float32Array(32 * 80 * 80)
    prototypes.fill(1, 0, 80 * 80)
    const bytes = constantModel(images(320), [
      { name: 'output0', shape: [1, rows, 39], values: table(rows, 39, { 0: set }) },
      { name: 'output1', shape: [1, 32, 80, 80], values: prototypes },
    ])
    const { model, detections } = await find(bytes, SQUARE)
    expect([model.family, model.contract.task, model.contract.output.classes]).toEqual([
      'yolov5',
      'segment',
      2,
    ])
    expect(detections[0]?.mask?.data.every((inside) => inside === 1)).toBe(true)
  })
})

describe('yolov5-raw', () => {
  const levels = [40, 20, 10]
  // Logit 0 is 0.5: the centre of the cell and the anchor's own size.
  const split = (cell: number, anchor: number) =>
    levels.map((edge, level) => ({
      name: `head${level}`,
      shape: [1, 3, edge, edge, 7],
      values: table(
        3 * edge * edge,
        7,
        level === 1 ? { [anchor * edge * edge + cell]: [0, 0, 0, 0, logitOf(0.9), -9, logitOf(0.8)] } : {},
        -9,
      ),
    }))
  it('decodes five-axis heads with the anchors of YOLOv5', async () => {
    const bytes = constantModel(images(320), split(20 * 5 + 10, 2), { names: "['a', 'b']", stride: '32' })
    const { model, detections } = await find(bytes, SQUARE)
    expect(model.family).toBe('yolov5-raw')
    // Cell (10, 5) of stride 16, anchor 59 × 119.
    expect(summary(detections)).toEqual([['b', 0.72, 138.5, 28.5, 197.5, 147.5]])
  })

  it('decodes four-axis heads, in whatever order they come', async () => {
    const outputs = split(20 * 5 + 10, 2).map(({ name, shape, values }) => {
      const edge = shape[2] as number
      const planes = new Float32Array(values.length)
      for (let anchor = 0; anchor < 3; anchor++) {
        for (let cell = 0; cell < edge * edge; cell++) {
          for (let c = 0; c < 7; c++) {
            planes[(anchor * 7 + c) * edge * edge + cell] = values[(anchor * edge * edge + cell) * 7 + c]!
          }
        }
      }
      return { name, shape: [1, 21, edge, edge], values: planes }
    })
    const { detections } = await find(constantModel(images(320), outputs.reverse()), SQUARE, {
      labels: ['a', 'b'],
    })
    expect(summary(detections)).toEqual([['b', 0.72, 138.5, 28.5, 197.5, 147.5]])
  })
})

describe('yolox and yolov6', () => {
  const rows = 40 * 40 + 20 * 20 + 10 * 10
  // Cell (10, 5) of stride 16.
  const cell = 1600 + 20 * 5 + 10
  const output = (values: Float32Array, name: string) => [{ name, shape: [1, rows, 85], values }]

  it('settles by a run that a YOLOX file is raw', async () => {
    const values = table(rows, 85, { [cell]: row([0.5, 0.25, Math.log(4), Math.log(2), 0.9], 80, 2, 0.5) })
    const { model, detections } = await find(constantModel(images(320), output(values, 'output')), WIDE)
    expect([model.family, model.contract.output.options.decoded]).toEqual(['yolox', false])
    expect(model.contract.input).toMatchObject({
      colour: 'BGR',
      std: [1, 1, 1],
      geometry: { align: 'top-left' },
    })
    // Centre (168, 84), 64 × 32 input pixels at the top left: twice that in the picture.
    expect(summary(detections)).toEqual([['car', 0.45, 272, 136, 400, 200]])
  })

  it('settles by a run that a YOLOX file is decoded', async () => {
    const values = table(rows, 85, { [cell]: row([168, 84, 64, 32, 0.9], 80, 2, 0.5) })
    const { model, detections } = await find(constantModel(images(320), output(values, 'output')), WIDE)
    expect([model.family, model.contract.output.options.decoded]).toEqual(['yolox', true])
    expect(summary(detections)).toEqual([['car', 0.45, 272, 136, 400, 200]])
  })

  it('takes YOLOv6 for what its output name and a constant objectness say', async () => {
    const values = table(rows, 85, { [cell]: row([160, 160, 64, 32, 1], 80, 2, 0.5) })
    const { model, detections } = await find(constantModel(images(320), output(values, 'outputs')), SQUARE)
    expect(model.family).toBe('yolov6')
    expect(summary(detections)).toEqual([['car', 0.5, 128, 144, 192, 176]])
  })
})

describe('yolov7-end2end and yolo-nas', () => {
  it('reads class before score from YOLOv7 rows', async () => {
    const values = [0, 100, 120, 200, 220, 16, 0.8]
    const bytes = constantModel(
      images(320),
      [{ name: 'output', shape: ['n', 7], values }],
      {},
      { ops: ['NonMaxSuppression'] },
    )
    const { model, detections } = await find(bytes, SQUARE)
    expect([model.family, model.contract.suppression.kind]).toEqual(['yolov7-end2end', 'none'])
    expect(detections.map(({ classId, score }) => [classId, Math.fround(score)])).toEqual([
      [16, Math.fround(0.8)],
    ])
  })

  it('reads score before class from flat YOLO-NAS rows, and feeds bytes', async () => {
    const values = [0, 100, 120, 200, 220, 0.8, 16]
    const input: GraphInput[] = [{ name: 'input', shape: [1, 3, 320, 320], type: 'uint8' }]
    const { model, detections } = await find(
      constantModel(input, [{ name: 'graph2_flat_predictions', shape: ['n', 7], values }]),
      SQUARE,
    )
    expect([model.family, model.contract.input.dtype, model.contract.input.std]).toEqual([
      'yolo-nas',
      'uint8',
      [1, 1, 1],
    ])
    expect(detections[0]).toMatchObject({ classId: 16, box: { x1: 100, y1: 120, x2: 200, y2: 220 } })
  })

  it('reads the batch format of YOLO-NAS up to its count', async () => {
    const input: GraphInput[] = [{ name: 'input', shape: [1, 3, 320, 320], type: 'uint8' }]
    const bytes = constantModel(input, [
      { name: 'graph2_num_predictions', shape: [1, 1], type: 'int64', values: [1] },
      { name: 'graph2_pred_boxes', shape: [1, 2, 4], values: [100, 120, 200, 220, 1, 1, 9, 9] },
      { name: 'graph2_pred_scores', shape: [1, 2], values: [0.8, 0.9] },
      { name: 'graph2_pred_classes', shape: [1, 2], type: 'int64', values: [3, 4] },
    ])
    const { model, detections } = await find(bytes, SQUARE)
    expect(model.family).toBe('yolo-nas')
    expect(detections.map(({ classId }) => classId)).toEqual([3])
  })
})

describe('batched-nms and damo-yolo', () => {
  it('leaves out rows past the count', async () => {
    const bytes = constantModel(images(320), [
      { name: 'num_dets', shape: [1, 1], type: 'int32', values: [1] },
      { name: 'det_boxes', shape: [1, 2, 4], values: [100, 120, 200, 220, 1, 1, 9, 9] },
      { name: 'det_scores', shape: [1, 2], values: [0.8, 0.9] },
      { name: 'det_classes', shape: [1, 2], type: 'int32', values: [3, 4] },
    ])
    const { model, detections } = await find(bytes, SQUARE)
    expect(model.family).toBe('batched-nms')
    expect(summary(detections).map((line) => line.slice(1))).toEqual([[0.8, 100, 120, 200, 220]])
  })

  it('reads scores and corner boxes of each cell', async () => {
    const cells = 2100
    const bytes = constantModel(images(320), [
      { name: 'output', shape: [1, cells, 80], values: table(cells, 80, { 5: row([], 80, 16, 0.7) }) },
      { name: '960', shape: [1, cells, 4], values: table(cells, 4, { 5: [100, 120, 200, 220] }) },
    ])
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.std, model.contract.input.geometry.fit]).toEqual([
      'damo-yolo',
      [1, 1, 1],
      'stretch',
    ])
    expect(summary(detections)).toEqual([['dog', 0.7, 200, 120, 400, 220]])
  })
})

describe('yolov3-zoo', () => {
  it('reads rows that the graph kept, in pixels of the picture', async () => {
    const bytes = constantModel(
      [
        { name: 'input_1', shape: ['batch', 3, 'h', 'w'] },
        { name: 'image_shape', shape: ['batch', 2] },
      ],
      [
        {
          name: 'yolonms_layer_1/ExpandDims_1:0',
          shape: [1, 3, 4],
          values: table(3, 4, { 2: [120, 100, 220, 200] }),
        },
        {
          name: 'yolonms_layer_1/ExpandDims_3:0',
          shape: [1, 80, 3],
          values: table(80, 3, { 16: [0, 0, 0.75] }),
        },
        { name: 'yolonms_layer_1/concat_2:0', shape: ['k', 3], type: 'int32', values: [0, 16, 2] },
      ],
    )
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.size.width]).toEqual(['yolov3-zoo', 416])
    expect(summary(detections)).toEqual([['dog', 0.75, 100, 120, 200, 220]])
  })
})

describe('yolov4-zoo', () => {
  const outputs = (objectness: number, score: number, rest: number) =>
    [52, 26, 13].map((edge, level) => ({
      name: `Identity_${level}:0`,
      shape: [1, edge, edge, 3, 85],
      values: table(
        edge * edge * 3,
        85,
        level === 1 ? { [(26 * 5 + 10) * 3 + 2]: row([0, 0, 0, 0, objectness], 80, 16, score, rest) } : {},
        rest,
      ),
    }))
  const input: GraphInput[] = [{ name: 'input_1:0', shape: [1, 416, 416, 3] }]
  // Cell (10, 5) of stride 16: centre (168, 88), anchor 72 × 146.
  const expected = [['dog', 0.45, 132, 15, 204, 161]]

  it('reads probabilities as the published file holds them', async () => {
    const { model, detections } = await find(constantModel(input, outputs(0.9, 0.5, 0)), {
      width: 416,
      height: 416,
    })
    expect([model.family, model.contract.output.scoreActivation]).toEqual(['yolov4-zoo', 'none'])
    expect(summary(detections)).toEqual(expected)
  })

  it('settles by a run that a file holds logits', async () => {
    const bytes = constantModel(input, outputs(logitOf(0.9), logitOf(0.5), -9))
    const { model, detections } = await find(bytes, { width: 416, height: 416 })
    expect(model.contract.output.scoreActivation).toBe('sigmoid')
    expect(summary(detections)).toEqual(expected)
  })
})

describe('yolo-end2end', () => {
  const ultralytics = (task: string, more: Record<string, string> = {}) => ({
    author: 'Ultralytics',
    task,
    names: "{0: 'cat', 1: 'dog'}",
    end2end: 'True',
    ...more,
  })
  const final = (columns: number, first: readonly number[]) => [
    { name: 'output0', shape: [1, 300, columns], values: table(300, columns, { 0: first }) },
  ]

  it('keeps boxes that overlap: nothing is suppressed again', async () => {
    const values = table(300, 6, { 0: [100, 100, 200, 200, 0.9, 1], 1: [101, 100, 201, 200, 0.8, 1] })
    const { model, detections } = await find(
      constantModel(images(320), [{ name: 'output0', shape: [1, 300, 6], values }], ultralytics('detect')),
      SQUARE,
    )
    expect(model.family).toBe('yolo-end2end')
    expect(detections).toHaveLength(2)
  })

  it('settles by a run that boxes are centre and size in fractions, as RT-DETR has them', async () => {
    const rows: Record<number, number[]> = {}
    for (let i = 0; i < 300; i++) {
      rows[i] = [0.5 + i / 1000, 0.5, 0.25, 0.5, i === 0 ? 0.9 : 0.01, 1]
    }
    const bytes = constantModel(images(320), [
      { name: 'output0', shape: [1, 300, 6], values: table(300, 6, rows) },
    ])
    const { model, detections } = await find(bytes, WIDE, { labels: ['cat', 'dog'] })
    expect(model.contract.output).toMatchObject({ boxCode: 'cxcywh', boxUnits: 'ratio' })
    expect(model.contract.input.geometry.fit).toBe('stretch')
    expect(summary(detections)).toEqual([['dog', 0.9, 240, 80, 400, 240]])
  })

  it('knows an RT-DETR by its description alone', async () => {
    const metadata = ultralytics('detect', { description: 'Ultralytics rtdetr-l model' })
    const { model } = await find(
      constantModel(images(320), final(6, [0.5, 0.5, 0.25, 0.5, 0.9, 1]), metadata),
      WIDE,
    )
    expect(model.contract.output).toMatchObject({ boxCode: 'cxcywh', boxUnits: 'ratio' })
  })

  it('reads keypoints after the class', async () => {
    const metadata = ultralytics('pose', { kpt_shape: '[2, 3]' })
    const first = [100, 100, 200, 200, 0.9, 1, 110, 120, 0.7, 130, 140, 0.6]
    const { detections } = await find(constantModel(images(320), final(12, first), metadata), SQUARE)
    expect(detections[0]?.keypoints?.map(({ x, y }) => [x, y])).toEqual([
      [110, 120],
      [130, 140],
    ])
  })

  it('reads an angle after the class', async () => {
    const first = [160, 160, 100, 50, 0.9, 1, Math.PI / 2]
    const { detections } = await find(constantModel(images(320), final(7, first), ultralytics('obb')), SQUARE)
    expect(summary(detections)).toEqual([['dog', 0.9, 135, 110, 185, 210]])
  })

  it('reads mask coefficients after the class', async () => {
    const first = [100, 100, 200, 200, 0.9, 1, 10, ...new Array<number>(31).fill(0)]
    const prototypes = new Float32Array(32 * 80 * 80)
    prototypes.fill(1, 0, 80 * 80)
    const { model, detections } = await find(
      constantModel(
        images(320),
        [...final(38, first), { name: 'output1', shape: [1, 32, 80, 80], values: prototypes }],
        ultralytics('segment'),
      ),
      SQUARE,
    )
    expect(model.family).toBe('yolo-end2end')
    expect(detections[0]?.mask?.data.every((inside) => inside === 1)).toBe(true)
  })
})
