import { describe, expect, it } from 'vitest'
import { find, logitOf, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput } from '../../../test/support/onnx-graph.ts'

const nchw = (name: string, width: number, height = width): GraphInput[] => [
  { name, shape: [1, 3, height, width] },
]

describe('ultraface', () => {
  const inputs = nchw('input', 320, 240)
  const PICTURE = { width: 640, height: 480 }
  // First anchor of cell (20, 10) of stride 8.
  const row = (40 * 10 + 20) * 3
  const scores = table(4420, 2, { [row]: [0.1, 0.9] })

  it('settles by a run that boxes are decoded', async () => {
    const boxes = table(4420, 4, {})
    for (let i = 0; i < 4420; i++) {
      boxes.set(i === row ? [0.25, 0.5, 0.5, 0.75] : [0, 0, 0.01, 0.01], i * 4)
    }
    const bytes = constantModel(inputs, [
      { name: 'scores', shape: [1, 4420, 2], values: scores },
      { name: 'boxes', shape: [1, 4420, 4], values: boxes },
    ])
    const { model, detections } = await find(bytes, PICTURE)
    expect([model.family, model.contract.output.options.decoded]).toEqual(['ultraface', true])
    expect(summary(detections)).toEqual([['face', 0.9, 160, 240, 320, 360]])
  })

  it('settles by a run that boxes are offsets against priors', async () => {
    const bytes = constantModel(inputs, [
      { name: 'scores', shape: [1, 4420, 2], values: scores },
      { name: 'boxes', shape: [1, 4420, 4], values: table(4420, 4, { [row]: [10, 0, 5 * Math.log(2), 0] }) },
    ])
    const { model, detections } = await find(bytes, PICTURE)
    expect(model.contract.output.options.decoded).toBe(false)
    // Prior (164, 84) of 10 px, moved by its own width, twice as wide; then twice for the picture.
    expect(summary(detections)).toEqual([['face', 0.9, 328, 158, 368, 178]])
  })
})

describe('yunet', () => {
  const PICTURE = { width: 320, height: 320 }
  const cell = 20 * 5 + 10
  const outputs = (name: (kind: string, stride: number) => string) =>
    (
      [
        ['cls', 1, [0.9]],
        ['obj', 1, [0.9]],
        ['bbox', 4, [0.5, 0.25, Math.log(4), Math.log(2)]],
        ['kps', 10, [1, 2, 0, 0, 0, 0, 0, 0, 0, 0]],
      ] as const
    ).flatMap(([kind, columns, values]) =>
      [8, 16, 32].map((stride) => {
        const cells = (320 / stride) ** 2
        return {
          name: name(kind, stride),
          shape: [1, cells, columns],
          values: table(cells, columns, stride === 16 ? { [cell]: values } : {}),
        }
      }),
    )

  it('decodes faces and landmarks, named or not', async () => {
    let number = 100
    for (const name of [(kind: string, stride: number) => `${kind}_${stride}`, () => String(number++)]) {
      const { model, detections } = await find(constantModel(nchw('input', 320), outputs(name)), PICTURE)
      expect(model.family).toBe('yunet')
      // Centre (10.5, 5.25) cells, 4 × 2 cells of 16 px; score √(0.9 · 0.9).
      expect(summary(detections)).toEqual([['face', 0.9, 136, 68, 200, 100]])
      expect(detections[0]?.keypoints?.[0]).toMatchObject({ x: 176, y: 112 })
    }
  })
})

describe('yunet-priors', () => {
  it('decodes against priors, whatever the order of its outputs', async () => {
    // First prior (10 px) of cell (10, 5) of stride 8.
    const row = (20 * 5 + 10) * 3
    const offsets = [0, 10, 5 * Math.log(2), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    const outputs = [
      { name: 'conf', shape: [1076, 2], values: table(1076, 2, { [row]: [0.1, 0.9] }) },
      { name: 'iou', shape: [1076, 1], values: table(1076, 1, { [row]: [0.9] }) },
      { name: 'loc', shape: [1076, 14], values: table(1076, 14, { [row]: offsets }) },
    ]
    const { model, detections } = await find(constantModel(nchw('input', 160, 120), outputs), {
      width: 160,
      height: 120,
    })
    expect(model.family).toBe('yunet-priors')
    // Prior (84, 44), moved down by its height, twice as wide.
    expect(summary(detections)).toEqual([['face', 0.9, 74, 49, 94, 59]])
    expect(detections[0]?.keypoints).toHaveLength(5)
  })
})

describe('scrfd', () => {
  const strides = [8, 16, 32]
  const group = (
    columns: number,
    values: readonly number[],
    anchors: number,
    at: readonly number[] = strides,
  ) =>
    at.map((stride, i) => {
      const rows = Math.ceil(320 / stride) ** 2 * anchors
      // Second anchor of cell (10, 5) of stride 16, or the only one.
      const set = stride === 16 ? { [(20 * 5 + 10) * anchors + anchors - 1]: values } : {}
      return {
        name: String(500 + columns * 10 + i),
        shape: [rows, columns],
        values: table(rows, columns, set),
      }
    })
  const distances = [1, 2, 3, 4]
  // From the corner (160, 80).
  const expected = [['face', 0.9, 144, 48, 208, 144]]
  const PICTURE = { width: 320, height: 320 }

  it('decodes six outputs', async () => {
    const outputs = [...group(1, [0.9], 2), ...group(4, distances, 2)]
    const { model, detections } = await find(constantModel(nchw('input.1', 320), outputs), PICTURE)
    expect(model.family).toBe('scrfd')
    expect(summary(detections)).toEqual(expected)
  })

  it('decodes nine outputs with landmarks', async () => {
    const outputs = [
      ...group(1, [0.9], 2),
      ...group(4, distances, 2),
      ...group(10, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0], 2),
    ]
    const { detections } = await find(constantModel(nchw('input.1', 320), outputs), PICTURE)
    expect(summary(detections)).toEqual(expected)
    expect(detections[0]?.keypoints?.[0]).toMatchObject({ x: 176, y: 96 })
  })

  it('decodes five levels with one anchor', async () => {
    const five = [8, 16, 32, 64, 128]
    const outputs = [...group(1, [0.9], 1, five), ...group(4, distances, 1, five)]
    const { model, detections } = await find(constantModel(nchw('input.1', 320), outputs), PICTURE)
    expect(model.contract.output.options.strides).toEqual(five)
    expect(summary(detections)).toEqual(expected)
  })
})

describe('blazeface', () => {
  it('decodes offsets from the middle of the cell', async () => {
    // First anchor of cell (4, 2) of the 16-cell grid: (36, 20) of 128.
    const row = (16 * 2 + 4) * 2
    const values = [0, 0, 32, 16, 8, 4, ...new Array<number>(10).fill(0)]
    const outputs = [
      { name: 'regressors', shape: [1, 896, 16], values: table(896, 16, { [row]: values }) },
      { name: 'classificators', shape: [1, 896, 1], values: table(896, 1, { [row]: [logitOf(0.9)] }, -20) },
    ]
    const inputs: GraphInput[] = [{ name: 'input', shape: [1, 128, 128, 3] }]
    const { model, detections } = await find(constantModel(inputs, outputs), { width: 128, height: 128 })
    expect(model.family).toBe('blazeface')
    expect(summary(detections)).toEqual([['face', 0.9, 20, 12, 52, 28]])
    expect(detections[0]?.keypoints?.[0]).toMatchObject({ x: 44, y: 24 })
  })
})
