import { describe, expect, it } from 'vitest'
import { find, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput } from '../../../test/support/onnx-graph.ts'

const WIDE = { width: 640, height: 320 }
/** y1, x1, y2, x2 as fractions: 160…480 × 80…160 of the picture. */
const YXYX = [0.25, 0.25, 0.5, 0.75]
const EXPECTED = ['dog', 0.8, 160, 80, 480, 160]

describe('tf-detection', () => {
  const any: GraphInput[] = [{ name: 'image_tensor:0', shape: ['b', 'h', 'w', 3], type: 'uint8' }]
  const outputs = (classId: number, names: readonly string[]) => [
    { name: names[0]!, shape: [1, 2, 4], values: table(2, 4, { 0: YXYX }) },
    { name: names[1]!, shape: [1, 2], values: [classId, 1] },
    { name: names[2]!, shape: [1, 2], values: [0.8, 0.01] },
    { name: names[3]!, shape: [1], values: [2] },
  ]

  const names = ['detection_boxes:0', 'detection_classes:0', 'detection_scores:0', 'num_detections:0']
  const raw = (columns: number) => ({
    name: 'raw_detection_scores:0',
    shape: [1, 3, columns],
    values: table(3, columns, {}),
  })

  it('reads named outputs, classes from 1, and feeds the picture as it is', async () => {
    const bytes = constantModel(any, [...outputs(18, names).reverse(), raw(91)])
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.geometry.fit]).toEqual(['tf-detection', 'none'])
    expect(summary(detections)).toEqual([EXPECTED])
  })

  it('names no class that nothing in the file names, and takes any list of labels then', async () => {
    const bytes = constantModel(any, outputs(1, names))
    const unnamed = await find(bytes, WIDE)
    expect(unnamed.detections.map(({ label }) => label)).toEqual(['class 1'])
    const { detections } = await find(bytes, WIDE, { labels: [null, 'sheep'] })
    expect(detections.map(({ label }) => label)).toEqual(['sheep'])
  })

  it.each([
    ['one name, background not counted', 2, ['sheep']],
    ['one name after the background', 2, [null, 'sheep']],
    ['a list with a gap', 3, [null, 'sheep', null, 'goat']],
  ])('fits a label map to the columns of the raw scores: %s', async (_, columns, labels) => {
    const { model, detections } = await find(constantModel(any, [...outputs(1, names), raw(columns)]), WIDE, {
      labels,
    })
    expect(model.contract.output.classes).toBe(columns)
    expect(detections.map(({ label }) => label)).toEqual(['sheep'])
  })

  it('reads the outputs of the TFLite operator, classes from 0', async () => {
    const fixed: GraphInput[] = [{ name: 'in', shape: [1, 300, 300, 3], type: 'uint8' }]
    const name = 'TFLite_Detection_PostProcess'
    const { model, detections } = await find(
      constantModel(fixed, outputs(17, [name, `${name}:1`, `${name}:2`, `${name}:3`])),
      WIDE,
    )
    expect(model.contract.input.geometry.fit).toBe('stretch')
    expect(summary(detections)).toEqual([['class 17', ...EXPECTED.slice(1)]])
  })

  it('settles by a run which of two equal shapes holds classes', async () => {
    const [boxes, classes, scores, count] = outputs(18, ['a', 'b', 'c', 'd'])
    const { model, detections } = await find(constantModel(any, [scores!, boxes!, count!, classes!]), WIDE)
    expect(model.contract.output.roles).toEqual({ boxes: 'a', classes: 'b', scores: 'c', count: 'd' })
    expect(summary(detections)).toEqual([['class 18', ...EXPECTED.slice(1)]])
  })
})

describe('ssd-zoo', () => {
  it('reads corners as fractions and classes from 1', async () => {
    const bytes = constantModel(
      [{ name: 'image', shape: [1, 3, 1200, 1200] }],
      [
        { name: 'bboxes', shape: [1, 'nbox', 4], values: [0.25, 0.25, 0.75, 0.5] },
        { name: 'labels', shape: [1, 'nbox'], type: 'int64', values: [17] },
        { name: 'scores', shape: [1, 'nbox'], values: [0.8] },
      ],
    )
    const { model, detections } = await find(bytes, WIDE)
    expect(model.family).toBe('ssd-zoo')
    expect(summary(detections)).toEqual([EXPECTED])
  })
})

describe('faster-rcnn-zoo', () => {
  it('reads corners in pixels of the resized picture', async () => {
    const bytes = constantModel(
      [{ name: 'image', shape: [3, 'height', 'width'] }],
      [
        { name: '6379', shape: ['n', 4], values: [333, 166.5, 999, 333] },
        { name: '6381', shape: ['n'], type: 'int64', values: [17] },
        { name: '6383', shape: ['n'], values: [0.8] },
      ],
    )
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.colour]).toEqual(['faster-rcnn-zoo', 'BGR'])
    // 640 × 320 becomes 1333 × 666 (the long edge stops it): a factor of 2.08.
    const [label, score, x1, y1, x2, y2] = summary(detections)[0] as [
      string,
      number,
      number,
      number,
      number,
      number,
    ]
    expect([label, score]).toEqual(['dog', 0.8])
    for (const [edge, expected] of [
      [x1, 160],
      [y1, 80],
      [x2, 480],
      [y2, 160],
    ] as const) {
      expect(Math.abs(edge - expected)).toBeLessThan(0.5)
    }
  })
})

describe('efficientdet', () => {
  it('reads y before x in pixels of what was fed', async () => {
    const bytes = constantModel(
      [{ name: 'image_arrays:0', shape: [1, 'h', 'w', 3], type: 'uint8' }],
      [
        {
          name: 'detections:0',
          shape: [1, 100, 7],
          values: table(100, 7, { 0: [0, 80, 160, 160, 480, 0.8, 18] }),
        },
      ],
    )
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.geometry.fit]).toEqual(['efficientdet', 'none'])
    // Nothing in the graph tells how many classes there are, so none is named.
    expect(summary(detections)).toEqual([['class 18', ...EXPECTED.slice(1)]])
  })
})

describe('fastestdet', () => {
  const inputs: GraphInput[] = [{ name: 'input.1', shape: [1, 3, 320, 320] }]
  // Cell (10, 5) of a grid of 20; size 0.25 × 0.5 of the input by σ.
  const values = [0.8, 0, 0, Math.log(1 / 3), 0, 0, 0.9]
  const cell = 20 * 5 + 10
  // Score 0.8^0.6 · 0.9^0.4.
  const score = Math.round(0.8 ** 0.6 * 0.9 ** 0.4 * 1000) / 1000

  it('reads both layouts alike', async () => {
    const planes = new Float32Array(7 * 400)
    for (const [c, value] of values.entries()) {
      planes[c * 400 + cell] = value
    }
    const expected = [['b', score, 120, 0, 200, 160]]
    for (const output of [
      { name: '758', shape: [1, 7, 20, 20], values: planes },
      { name: '761', shape: [400, 7], values: table(400, 7, { [cell]: values }) },
    ]) {
      const { model, detections } = await find(
        constantModel(inputs, [output]),
        { width: 320, height: 320 },
        { labels: ['a', 'b'] },
      )
      expect(model.family).toBe('fastestdet')
      expect(summary(detections)).toEqual(expected)
    }
  })
})

describe('yolo-fastestv2', () => {
  it('reads both layouts alike, with anchors scaled to the input', async () => {
    const inputs: GraphInput[] = [{ name: 'input.1', shape: [1, 3, 352, 352] }]
    // Anchor 1 of cell (10, 5) of stride 16: centre of the cell, 37.88 × 51.48.
    const cell = new Array<number>(17).fill(0)
    cell.splice(4, 4, 0.5, 0.5, 0.5, 0.5)
    cell[13] = 0.8
    cell[16] = 0.9
    const at = 22 * 5 + 10
    const fine = table(484, 17, { [at]: cell })
    const coarse = table(121, 17, {})
    const joined = Float32Array.from([...fine, ...coarse])
    const expected = [['b', 0.72, 149.1, 62.3, 186.9, 113.7]]
    for (const outputs of [
      [{ name: '845', shape: [605, 17], values: joined }],
      [
        { name: 'out1', shape: [1, 22, 22, 17], values: fine },
        { name: 'out2', shape: [1, 11, 11, 17], values: coarse },
      ],
    ]) {
      const { model, detections } = await find(
        constantModel(inputs, outputs),
        { width: 352, height: 352 },
        { labels: ['a', 'b'] },
      )
      expect(model.family).toBe('yolo-fastestv2')
      expect(summary(detections)).toEqual(expected)
    }
  })
})
