import { describe, expect, it } from 'vitest'
import { random } from '../../../test/support/yolov8-head.ts'
import { letterbox } from '../../boxes/letterbox.ts'
import { pictureDims } from '../../detector/feeds.ts'
import { toTensor } from '../../image/tensor.ts'
import type { Contract } from '../../model/contract.ts'
import type { NewNode, NewTensor } from '../../onnx/write/encode.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import { openSession } from '../../runtime/session.ts'
import { prepareModel } from '../prepare.ts'

const SIDE = 8
const SIZE = { width: SIDE, height: SIDE }

const CONTRACT: Contract = {
  version: 1,
  name: 'any',
  family: 'any',
  task: 'detect',
  input: {
    name: 'images',
    layout: 'NCHW',
    dtype: 'float32',
    size: SIZE,
    colour: 'BGR',
    mean: [0, 0, 0],
    std: [51, 102, 255],
    geometry: { fit: 'stretch', align: 'centre', pad: [0, 0, 0], rounding: 'round', resample: 'bilinear' },
  },
  extraInputs: [],
  output: {
    roles: {},
    boxCode: 'xyxy',
    boxUnits: 'pixels',
    frame: 'input',
    scoreActivation: 'none',
    classes: 1,
    options: {},
  },
  labels: [],
  thresholds: { score: 0.1 },
  suppression: { kind: 'none', iou: 0.5, maxDetections: 10 },
}

const next = random(11)
const weight = (name: string, ...dims: number[]): NewTensor => ({
  name,
  type: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => next() - 0.5),
})
const whole = (name: string, ...values: number[]): NewTensor => ({
  name,
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})
const float = (name: string, shape: number[]) => ({ name, type: 'float32', shape }) as const

/** A network from the picture `images` of 8 × 8 to the outputs, each with its shape. */
const network = (
  nodes: readonly NewNode[],
  constants: readonly NewTensor[],
  outputs: Record<string, number[]>,
): Uint8Array =>
  writeModel(
    {
      name: 'tiny',
      nodes,
      constants,
      inputs: [float('images', [1, 3, SIDE, SIDE])],
      outputs: Object.entries(outputs).map(([name, shape]) => float(name, shape)),
    },
    { producer: { name: 'boxlet-test', version: '' } },
  ).finish()

const node = (
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: NewNode['attributes'] = {},
): NewNode => ({ op, inputs, outputs, attributes })

/** All outputs for a picture of random pixels, fed as the contract says. */
async function outputsOf(bytes: Uint8Array, { input }: Contract): Promise<Map<string, number[]>> {
  const shade = random(5)
  const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, () => Math.floor(shade() * 256))
  const at = letterbox(SIZE, SIZE, { fit: 'stretch', align: 'centre', rounding: 'round' })
  const session = await openSession(bytes, { threads: 1 })
  try {
    const fed = toTensor({ ...SIZE, data }, at, input)
    const dims = pictureDims(input.layout, SIZE, 1)
    const found = await session.run(new Map([['images', { type: input.dtype, dims, data: fed }]]))
    return new Map([...found].map(([name, tensor]) => [name, Array.from(tensor.data as Float32Array)]))
  } finally {
    await session.release()
  }
}

/** The sentences of what was prepared, after checking that every output stays what it was. */
async function preparedSame(bytes: Uint8Array): Promise<string[]> {
  const before = await outputsOf(bytes, CONTRACT)
  const prepared = prepareModel(bytes, CONTRACT)
  if (prepared === undefined) {
    return []
  }
  const after = await outputsOf(prepared.bytes, prepared.contract)
  expect([...after.keys()]).toEqual([...before.keys()])
  for (const [name, values] of before) {
    const far = values.map((value, at) => Math.abs(value - (after.get(name)?.[at] ?? Number.NaN)))
    expect(Math.max(...far), name).toBeLessThan(1e-4)
  }
  return prepared.edits
}

const PIXELS = 'Scale and colour order are part of the first convolution.'
const FOCUS = 'Focus and its convolution are one convolution.'

describe('taking plain pixels', () => {
  const convolution = (dims: number[], group?: number) =>
    network(
      [node('Conv', ['images', 'w'], ['out'], group === undefined ? {} : { group })],
      [weight('w', ...dims)],
      { out: [1, dims[0] as number, SIDE - 2, SIDE - 2] },
    )

  it.each([
    ['no group', convolution([4, 3, 3, 3])],
    ['one group', convolution([4, 3, 3, 3], 1)],
  ])('moves scale and colour order into a first convolution with %s', async (_, bytes) => {
    expect(await preparedSame(bytes)).toEqual([PIXELS])
  })

  it.each([3, 6])('leaves a first convolution that sees each channel alone, %i filters', async (filters) => {
    expect(await preparedSame(convolution([filters, 1, 3, 3], 3))).toEqual([])
  })

  it('leaves all first convolutions when one of them sees each channel alone', async () => {
    const bytes = network(
      [
        node('Conv', ['images', 'w'], ['mixed']),
        node('Conv', ['images', 'each'], ['apart'], { group: 3 }),
        node('Add', ['mixed', 'apart'], ['out']),
      ],
      [weight('w', 3, 3, 3, 3), weight('each', 3, 1, 3, 3)],
      { out: [1, 3, SIDE - 2, SIDE - 2] },
    )
    expect(await preparedSame(bytes)).toEqual([])
  })

  it('leaves a picture that a branch reads as well', () => {
    const bytes = network(
      [node('Conv', ['images', 'w'], ['out']), branch('images', 'copy')],
      [weight('w', 4, 3, 3, 3), whole('yes', 1)],
      { out: [1, 4, SIDE - 2, SIDE - 2], copy: [1, 3, SIDE, SIDE] },
    )
    expect(prepareModel(bytes, CONTRACT)).toBeUndefined()
  })
})

/** An `If` of which both bodies give the value on. */
function branch(from: string, to: string): NewNode {
  const body = (kind: string) => ({
    graph: {
      name: kind,
      nodes: [node('Identity', [from], [`${to}.${kind}`])],
      constants: [],
      inputs: [],
      outputs: [{ name: `${to}.${kind}`, type: 'float32' as const, shape: undefined }],
    },
  })
  return node('If', ['yes'], [to], { then_branch: body('then_branch'), else_branch: body('else_branch') })
}

/** Focus as YOLOX writes it, rows first and then columns, with more nodes and outputs beside it. */
function focus(more: readonly NewNode[] = [], outputs: Record<string, number[]> = {}): Uint8Array {
  const slice = (from: string, to: string, axis: 'rows' | 'columns', start: 0 | 1) =>
    node('Slice', [from, `from${start}`, 'end', axis, 'two'], [to])
  return network(
    [
      slice('images', 'even', 'rows', 0),
      slice('images', 'odd', 'rows', 1),
      slice('even', 'a', 'columns', 0),
      slice('odd', 'b', 'columns', 0),
      slice('even', 'c', 'columns', 1),
      slice('odd', 'd', 'columns', 1),
      node('Concat', ['a', 'b', 'c', 'd'], ['stack'], { axis: 1 }),
      node('Conv', ['stack', 'w'], ['out'], { pads: [1, 1, 1, 1] }),
      ...more,
    ],
    [
      weight('w', 4, 12, 3, 3),
      whole('from0', 0),
      whole('from1', 1),
      whole('end', 2 ** 31 - 1),
      whole('rows', 2),
      whole('columns', 3),
      whole('two', 2),
      whole('yes', 1),
    ],
    { out: [1, 4, SIDE / 2, SIDE / 2], ...outputs },
  )
}

describe('folding Focus', () => {
  it('makes one convolution of a Focus that nothing else reads', async () => {
    expect(await preparedSame(focus())).toEqual([FOCUS, PIXELS])
  })

  it.each<[string, Uint8Array]>([
    ['an output of the graph', focus([], { even: [1, 3, SIDE / 2, SIDE] })],
    [
      'another node',
      focus([node('Relu', ['odd'], ['positive'])], {
        positive: [1, 3, SIDE / 2, SIDE],
      }),
    ],
    ['an output behind two slices', focus([], { d: [1, 3, SIDE / 2, SIDE / 2] })],
  ])('leaves a Focus of which a slice is read by %s', async (_, bytes) => {
    expect(await preparedSame(bytes)).toEqual([])
  })

  it('leaves a Focus of which a slice is read inside a branch', () => {
    const bytes = focus([branch('even', 'copy')], { copy: [1, 3, SIDE / 2, SIDE] })
    expect(prepareModel(bytes, CONTRACT)).toBeUndefined()
  })

  it('keeps the input as it is for a slice of the picture that is no part of the Focus', async () => {
    const bytes = focus([node('Slice', ['images', 'from0', 'end', 'rows', 'two'], ['half'])], {
      half: [1, 3, SIDE / 2, SIDE],
    })
    expect(await preparedSame(bytes)).toEqual([FOCUS])
  })
})
