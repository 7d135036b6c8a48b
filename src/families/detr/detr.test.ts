import { describe, expect, it } from 'vitest'
import { find, logitOf, row, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput } from '../../../test/support/onnx-graph.ts'

const WIDE = { width: 640, height: 320 }
const pixels: GraphInput[] = [{ name: 'pixel_values', shape: ['batch', 3, 640, 640] }]

describe('detr-deploy', () => {
  const inputs: GraphInput[] = [
    { name: 'images', shape: ['N', 3, 320, 320] },
    { name: 'orig_target_sizes', shape: ['N', 2], type: 'int64' },
  ]
  const values = { labels: [16, 2], boxes: [100, 120, 200, 220, 101, 120, 200, 220], scores: [0.8, 0.7] }

  it('takes boxes for final pixels of the picture', async () => {
    const bytes = constantModel(inputs, [
      { name: 'labels', shape: ['N', 2], type: 'int64', values: values.labels },
      { name: 'boxes', shape: ['N', 2, 4], values: values.boxes },
      { name: 'scores', shape: ['N', 2], values: values.scores },
    ])
    const { model, detections } = await find(bytes, WIDE, {
      labels: Array.from({ length: 80 }, (_, i) => `c${i}`),
    })
    expect([model.family, model.contract.extraInputs[0]?.kind]).toEqual(['detr-deploy', 'orig-size-wh'])
    expect(summary(detections)).toEqual([
      ['c16', 0.8, 100, 120, 200, 220],
      ['c2', 0.7, 101, 120, 200, 220],
    ])
  })

  it('reads files without a batch axis', async () => {
    const bytes = constantModel(inputs, [
      { name: 'labels', shape: ['n'], type: 'int64', values: values.labels },
      { name: 'boxes', shape: ['n', 4], values: values.boxes },
      { name: 'scores', shape: ['n'], values: values.scores },
    ])
    const { model, detections } = await find(bytes, WIDE)
    expect(model.family).toBe('detr-deploy')
    expect(detections).toHaveLength(2)
  })
})

describe('detr', () => {
  // Centre and size as fractions: 240…400 × 80…240 of the picture.
  const box = [0.5, 0.5, 0.25, 0.5]
  const output = (queries: number, classes: number, first: number[], rest: number[]) => {
    const rows = Object.fromEntries(Array.from({ length: queries }, (_, i) => [i, i === 0 ? first : rest]))
    return [
      { name: 'logits', shape: ['batch', queries, classes], values: table(queries, classes, rows) },
      { name: 'pred_boxes', shape: ['batch', queries, 4], values: table(queries, 4, { 0: box }) },
    ]
  }

  it('lets query and class pairs compete under a sigmoid', async () => {
    const first = row([], 80, 16, logitOf(0.8), -9)
    first[2] = logitOf(0.6)
    const bytes = constantModel(pixels, output(300, 80, first, row([], 80, 0, -9, -9)))
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.output.scoreActivation]).toEqual(['detr', 'sigmoid'])
    expect(summary(detections)).toEqual([
      ['dog', 0.8, 240, 80, 400, 240],
      ['car', 0.6, 240, 80, 400, 240],
    ])
  })

  it('settles by a run that the last class stands for nothing', async () => {
    const first = [0, Math.log(3), 0]
    const bytes = constantModel(pixels, output(300, 3, first, [0, 0, 9]))
    const { model, detections } = await find(bytes, WIDE, { labels: ['cat', 'dog', null] })
    expect(model.contract.output.scoreActivation).toBe('softmax')
    expect(summary(detections)).toEqual([['dog', 0.6, 240, 80, 400, 240]])
  })

  it('settles by a run that three logits are three classes', async () => {
    const bytes = constantModel(pixels, output(300, 3, [-9, logitOf(0.8), -9], [-9, -9, -9.5]))
    const { model, detections } = await find(bytes, WIDE, { labels: ['cat', 'dog', 'cow'] })
    expect(model.contract.output.scoreActivation).toBe('sigmoid')
    expect(summary(detections)).toEqual([['dog', 0.8, 240, 80, 400, 240]])
  })

  it('takes 92 logits and a pixel mask for DETR itself', async () => {
    const inputs: GraphInput[] = [
      { name: 'pixel_values', shape: ['batch', 'num_channels', 'height', 'width'] },
      { name: 'pixel_mask', shape: ['batch', 64, 64], type: 'int64' },
    ]
    const { model } = await find(
      constantModel(inputs, output(100, 92, row([], 92, 17, 9), row([], 92, 91, 9))),
      WIDE,
    )
    expect(model.contract.output.scoreActivation).toBe('softmax')
    expect(model.contract.input.geometry).toMatchObject({ fit: 'shortest-edge', longestEdge: 1333 })
    expect(model.contract.extraInputs).toMatchObject([{ kind: 'pixel-mask', shape: [1, 64, 64] }])
  })
})

describe('rf-detr', () => {
  it('takes float labels for logits', async () => {
    const bytes = constantModel(
      [{ name: 'input', shape: [1, 3, 384, 384] }],
      [
        { name: 'dets', shape: [1, 300, 4], values: table(300, 4, { 0: [0.5, 0.5, 0.25, 0.5] }) },
        {
          name: 'labels',
          shape: [1, 300, 91],
          values: table(300, 91, { 0: row([], 91, 18, logitOf(0.8), -9) }, -9),
        },
      ],
    )
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.output.classes]).toEqual(['rf-detr', 91])
    // 18 is COCO's own id of dog.
    expect(summary(detections)).toEqual([['dog', 0.8, 240, 80, 400, 240]])
  })
})
