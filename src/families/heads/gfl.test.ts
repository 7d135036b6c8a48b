import { describe, expect, it } from 'vitest'
import { find, row, summary, table } from '../../../test/support/family-runs.ts'
import { constantModel, type GraphInput, type GraphOutput } from '../../../test/support/onnx-graph.ts'

const SQUARE = { width: 320, height: 320 }
const WIDE = { width: 640, height: 320 }
const input = (name: string): GraphInput[] => [{ name, shape: [1, 3, 320, 320] }]

/** Bins that put the expectation on exact strides: left 1, top 2, right 3, bottom 4. */
const SIDES = [1, 2, 3, 4].flatMap((bin) => Array.from({ length: 8 }, (_, i) => (i === bin ? 60 : 0)))

/** Outputs of a head with one object of class 16 at cell (10, 5) of stride 16. */
function pairs(
  strides: readonly number[],
  name: (kind: 'class' | 'distance', stride: number) => string,
): GraphOutput[] {
  const at = 20 * 5 + 10
  const make = (kind: 'class' | 'distance', stride: number): GraphOutput => {
    const cells = Math.ceil(320 / stride) ** 2
    const columns = kind === 'class' ? 80 : 32
    const cell = kind === 'class' ? row([], 80, 16, 0.8) : SIDES
    const values = table(cells, columns, stride === 16 ? { [at]: cell } : {})
    return { name: name(kind, stride), shape: [1, cells, columns], values }
  }
  return [
    ...strides.map((stride) => make('class', stride)),
    ...strides.map((stride) => make('distance', stride)),
  ]
}

describe('nanodet', () => {
  // Middle of the cell (168, 88), less 1 and 2 strides, plus 3 and 4.
  const expected = [['dog', 0.8, 152, 56, 216, 152]]

  it('decodes distances from the middle of the cell', async () => {
    const outputs = pairs(
      [8, 16, 32],
      (kind, stride) => `${kind === 'class' ? 'cls' : 'dis'}_pred_stride_${stride}`,
    )
    const { model, detections } = await find(constantModel(input('input.1'), outputs), SQUARE)
    expect([model.family, model.contract.input.colour]).toEqual(['nanodet', 'BGR'])
    expect(summary(detections)).toEqual(expected)
  })

  it('pairs outputs named by numbers, which a JavaScript object would reorder', async () => {
    const numbers = { class: { 8: '900', 16: '81', 32: '7' }, distance: { 8: '6', 16: '50', 32: '400' } }
    const outputs = pairs([8, 16, 32], (kind, stride) => numbers[kind][stride as 8])
    const { model, detections } = await find(constantModel(input('input.1'), outputs), SQUARE)
    expect(model.family).toBe('nanodet')
    expect(summary(detections)).toEqual(expected)
  })
})

describe('picodet', () => {
  it('is told from NanoDet by its fourth level and its producer', async () => {
    const outputs = pairs([8, 16, 32, 64], (kind, stride) => `save_infer_model/${kind}_${stride}.tmp_1`)
    const { model, detections } = await find(
      constantModel(input('image'), outputs, {}, { producer: 'PaddlePaddle' }),
      WIDE,
    )
    expect([model.family, model.contract.input.colour, model.contract.input.geometry.fit]).toEqual([
      'picodet',
      'RGB',
      'stretch',
    ])
    expect(summary(detections)).toEqual([['dog', 0.8, 304, 56, 432, 152]])
  })
})

describe('nanodet-plus', () => {
  it('decodes distances from the corner of the cell', async () => {
    const rows = 1600 + 400 + 100 + 25
    const values = table(rows, 112, { [1600 + 20 * 5 + 10]: [...row([], 80, 16, 0.8), ...SIDES] })
    const bytes = constantModel(input('data'), [{ name: 'output', shape: [1, rows, 112], values }])
    const { model, detections } = await find(bytes, SQUARE)
    expect(model.family).toBe('nanodet-plus')
    expect(summary(detections)).toEqual([['dog', 0.8, 144, 48, 208, 144]])
  })
})

describe('paddle-rows', () => {
  const scaled: GraphInput[] = [...input('image'), { name: 'scale_factor', shape: [1, 2] }]

  it('reads class, score and corners in pixels of the picture', async () => {
    const values = [16, 0.8, 100, 120, 200, 220, -1, 0.9, 0, 0, 9, 9]
    const bytes = constantModel(scaled, [
      { name: 'multiclass_nms3_0.tmp_0', shape: ['n', 6], values },
      { name: 'multiclass_nms3_0.tmp_2', shape: [1], type: 'int32', values: [2] },
    ])
    const { model, detections } = await find(bytes, WIDE, {
      labels: Array.from({ length: 20 }, (_, i) => `c${i}`),
    })
    expect([model.family, model.contract.output.frame]).toEqual(['paddle-rows', 'image'])
    expect(model.contract.extraInputs).toMatchObject([{ name: 'scale_factor', kind: 'scale-factor-yx' }])
    expect(summary(detections)).toEqual([['c16', 0.8, 100, 120, 200, 220]])
  })

  it('reads boxes and scores of an export without suppression', async () => {
    const bytes = constantModel(scaled, [
      { name: 'concat_14.tmp_0', shape: [1, 80, 3], values: table(80, 3, { 16: [0, 0.8, 0.7] }) },
      {
        name: 'tmp_20',
        shape: [1, 3, 4],
        values: table(3, 4, { 1: [100, 120, 200, 220], 2: [101, 120, 200, 220] }),
      },
    ])
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.suppression.kind]).toEqual(['paddle-rows', 'per-class'])
    expect(summary(detections)).toEqual([['dog', 0.8, 100, 120, 200, 220]])
  })
})

describe('rtmdet', () => {
  it('reads dets with integer labels', async () => {
    const bytes = constantModel(input('input'), [
      { name: 'dets', shape: [1, 'n', 5], values: [100, 120, 200, 220, 0.8, 0, 0, 0, 0, 0] },
      { name: 'labels', shape: [1, 'n'], type: 'int64', values: [16, -1] },
    ])
    const { model, detections } = await find(bytes, WIDE)
    expect([model.family, model.contract.input.geometry.align]).toEqual(['rtmdet', 'top-left'])
    expect(summary(detections).map((line) => line.slice(1))).toEqual([[0.8, 200, 240, 400, 320]])
  })
})
