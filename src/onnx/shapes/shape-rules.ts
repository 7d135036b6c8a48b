/**
 * Output shapes by operator. Long because it is a table: a rule for each operator and nothing else.
 */
import type { OnnxNode } from '../model.ts'

/** What a rule may ask of its node's inputs; undefined where not known. */
export interface RuleInputs {
  shape(index: number): number[] | undefined
  values(index: number): number[] | undefined
}

/** Shapes of a node's outputs, or undefined when they do not follow. */
export type ShapeRule = (node: OnnxNode, inputs: RuleInputs) => (number[] | undefined)[] | undefined

const ints = (node: OnnxNode, name: string): number[] | undefined => node.attributes.get(name)?.ints
const int = (node: OnnxNode, name: string): number | undefined => node.attributes.get(name)?.int

const same: ShapeRule = (_node, { shape }) => [shape(0)]

/** NumPy broadcasting of all inputs. */
const broadcast: ShapeRule = (node, { shape }) => {
  let result: number[] = []
  for (let index = 0; index < node.inputs.length; index++) {
    const other = shape(index)
    if (other === undefined) {
      return undefined
    }
    const rank = Math.max(result.length, other.length)
    const left = result
    result = Array.from({ length: rank }, (_, axis) => {
      const a = left[axis - rank + left.length] ?? 1
      const b = other[axis - rank + other.length] ?? 1
      return a === 1 ? b : a
    })
  }
  return [result]
}

/** Output sizes of a window that slides over the axes from 2 on. */
function slide(node: OnnxNode, input: number[], kernel: number[], channels: number): number[] {
  const strides = ints(node, 'strides') ?? kernel.map(() => 1)
  const dilations = ints(node, 'dilations') ?? kernel.map(() => 1)
  const pads = ints(node, 'pads') ?? kernel.flatMap(() => [0, 0])
  const mode = node.attributes.get('auto_pad')?.text ?? 'NOTSET'
  const round = int(node, 'ceil_mode') === 1 ? Math.ceil : Math.floor
  const sizes = kernel.map((size, axis) => {
    const length = input[axis + 2] ?? 0
    const stride = strides[axis] ?? 1
    if (mode.startsWith('SAME')) {
      return Math.ceil(length / stride)
    }
    const padded = length + (pads[axis] ?? 0) + (pads[axis + kernel.length] ?? 0)
    return round((padded - (dilations[axis] ?? 1) * (size - 1) - 1) / stride) + 1
  })
  return [input[0] ?? 1, channels, ...sizes]
}

const convolve =
  (weightAt: number): ShapeRule =>
  (node, { shape }) => {
    const input = shape(0)
    const weight = shape(weightAt)
    return input && weight && [slide(node, input, weight.slice(2), weight[0] ?? 0)]
  }

const pool: ShapeRule = (node, { shape }) => {
  const input = shape(0)
  const kernel = ints(node, 'kernel_shape')
  return input && kernel && [slide(node, input, kernel, input[1] ?? 0)]
}

const deconvolve: ShapeRule = (node, { shape }) => {
  const input = shape(0)
  const weight = shape(1)
  if (input === undefined || weight === undefined) {
    return undefined
  }
  const kernel = weight.slice(2)
  const strides = ints(node, 'strides') ?? kernel.map(() => 1)
  const pads = ints(node, 'pads') ?? kernel.flatMap(() => [0, 0])
  const extra = ints(node, 'output_padding') ?? kernel.map(() => 0)
  const sizes = kernel.map((size, axis) => {
    const grown = ((input[axis + 2] ?? 0) - 1) * (strides[axis] ?? 1) + size + (extra[axis] ?? 0)
    return grown - (pads[axis] ?? 0) - (pads[axis + kernel.length] ?? 0)
  })
  return [[input[0] ?? 1, (weight[1] ?? 0) * (int(node, 'group') ?? 1), ...sizes]]
}

const matmul =
  (otherAt: number): ShapeRule =>
  (_node, { shape }) => {
    const a = shape(0)
    const b = shape(otherAt)
    if (a === undefined || b === undefined || a.length < 2 || b.length < 2) {
      return undefined
    }
    const outer = a.length >= b.length ? a.slice(0, -2) : b.slice(0, -2)
    return [[...outer, a.at(-2) ?? 0, b.at(-1) ?? 0]]
  }

const gemm: ShapeRule = (node, { shape }) => {
  const a = shape(0)
  const b = shape(1)
  if (a?.length !== 2 || b?.length !== 2) {
    return undefined
  }
  const rows = int(node, 'transA') === 1 ? a[1] : a[0]
  const columns = int(node, 'transB') === 1 ? b[0] : b[1]
  return [[rows ?? 0, columns ?? 0]]
}

const concat: ShapeRule = (node, { shape }) => {
  const shapes = node.inputs.map((_, index) => shape(index))
  const [first] = shapes
  if (first === undefined || shapes.some((other) => other === undefined)) {
    return undefined
  }
  const axis = wrap(int(node, 'axis') ?? 0, first.length)
  if (axis === undefined) {
    return undefined
  }
  return [
    first.map((size, at) =>
      at === axis ? shapes.reduce((sum, other) => sum + (other?.[axis] ?? 0), 0) : size,
    ),
  ]
}

const reshape: ShapeRule = (_node, { shape, values }) => {
  const input = shape(0)
  const wanted = values(1)
  if (input === undefined || wanted === undefined) {
    return undefined
  }
  const sizes = wanted.map((size, axis) => (size === 0 ? (input[axis] ?? 0) : size))
  const rest = product(sizes.filter((size) => size !== -1))
  return [sizes.map((size) => (size === -1 ? product(input) / rest : size))]
}

const transpose: ShapeRule = (node, { shape }) => {
  const input = shape(0)
  if (input === undefined) {
    return undefined
  }
  const order = ints(node, 'perm') ?? input.map((_, axis) => input.length - 1 - axis)
  return [order.map((axis) => input[axis] ?? 0)]
}

const flatten: ShapeRule = (node, { shape }) => {
  const input = shape(0)
  if (input === undefined) {
    return undefined
  }
  // As many axes before as there are is one row, which is no axis of its own.
  const axis = wrap(int(node, 'axis') ?? 1, input.length + 1)
  if (axis === undefined) {
    return undefined
  }
  return [[product(input.slice(0, axis)), product(input.slice(axis))]]
}

const unsqueeze: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  const axes = ints(node, 'axes') ?? values(1)
  if (input === undefined || axes === undefined) {
    return undefined
  }
  const added = wrapAll(axes, input.length + axes.length)
  if (added === undefined) {
    return undefined
  }
  const result = [...input]
  for (const axis of added.sort((a, b) => a - b)) {
    result.splice(axis, 0, 1)
  }
  return [result]
}

const squeeze: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  if (input === undefined) {
    return undefined
  }
  const axes = ints(node, 'axes') ?? values(1)
  const gone = axes && wrapAll(axes, input.length)
  if (axes !== undefined && gone === undefined) {
    return undefined
  }
  return [input.filter((size, axis) => (gone === undefined ? size !== 1 : !gone.includes(axis)))]
}

const slice: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  const starts = ints(node, 'starts') ?? values(1)
  const ends = ints(node, 'ends') ?? values(2)
  if (input === undefined || starts === undefined || ends === undefined) {
    return undefined
  }
  const axes = ints(node, 'axes') ?? (node.inputs[3] ? values(3) : starts.map((_, index) => index))
  const steps = node.inputs[4] ? values(4) : starts.map(() => 1)
  if (axes === undefined || steps === undefined) {
    return undefined
  }
  const result = [...input]
  for (const [index, at] of axes.entries()) {
    const axis = wrap(at, input.length)
    const step = steps[index] ?? 1
    if (axis === undefined || step === 0) {
      return undefined
    }
    const size = input[axis] ?? 0
    if (step < 0) {
      // Only the whole axis backwards, the one form that exporters write.
      if (starts[index] !== -1 || (ends[index] ?? 0) >= -size) {
        return undefined
      }
      result[axis] = Math.ceil(size / -step)
      continue
    }
    const bound = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, 0), size)
    result[axis] = Math.max(0, Math.ceil((bound(ends[index] ?? 0) - bound(starts[index] ?? 0)) / step))
  }
  return [result]
}

const split: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  if (input === undefined) {
    return undefined
  }
  const axis = wrap(int(node, 'axis') ?? 0, input.length)
  if (axis === undefined) {
    return undefined
  }
  const count = node.outputs.length
  const size = Math.ceil((input[axis] ?? 0) / count)
  const sizes = ints(node, 'split') ?? values(1) ?? (node.inputs[1] ? undefined : Array(count).fill(size))
  return sizes?.map((part) => input.map((whole, at) => (at === axis ? part : whole)))
}

const resize: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  const scales =
    values(node.op === 'Upsample' || node.inputs.length === 2 ? 1 : 2) ??
    node.attributes.get('scales')?.floats
  const sizes = node.inputs[3] ? values(3) : undefined
  if (input === undefined) {
    return undefined
  }
  if (sizes?.length === input.length) {
    return [sizes]
  }
  return scales?.length === input.length
    ? [input.map((size, axis) => Math.floor(size * (scales[axis] ?? 1)))]
    : undefined
}

const gather: ShapeRule = (node, { shape }) => {
  const input = shape(0)
  const indices = shape(1)
  if (input === undefined || indices === undefined) {
    return undefined
  }
  const axis = wrap(int(node, 'axis') ?? 0, input.length)
  if (axis === undefined) {
    return undefined
  }
  return [[...input.slice(0, axis), ...indices, ...input.slice(axis + 1)]]
}

const reduce: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  if (input === undefined) {
    return undefined
  }
  const axes = ints(node, 'axes') ?? (node.inputs[1] ? values(1) : input.map((_, axis) => axis))
  if (axes === undefined) {
    return undefined
  }
  const gone = wrapAll(axes, input.length)
  if (gone === undefined) {
    return undefined
  }
  const kept = (int(node, 'keepdims') ?? 1) === 1
  return [input.flatMap((size, axis) => (gone.includes(axis) ? (kept ? [1] : []) : [size]))]
}

const pad: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  const pads = ints(node, 'pads') ?? values(1)
  if (input === undefined || pads?.length !== 2 * input.length) {
    return undefined
  }
  return [input.map((size, axis) => size + (pads[axis] ?? 0) + (pads[axis + input.length] ?? 0))]
}

const expand: ShapeRule = (_node, { shape, values }) => {
  const input = shape(0)
  const wanted = values(1)
  if (input === undefined || wanted === undefined) {
    return undefined
  }
  const rank = Math.max(input.length, wanted.length)
  return [
    Array.from({ length: rank }, (_, axis) =>
      Math.max(input[axis - rank + input.length] ?? 1, wanted[axis - rank + wanted.length] ?? 1),
    ),
  ]
}

const topK: ShapeRule = (node, { shape, values }) => {
  const input = shape(0)
  const count = values(1)?.[0] ?? int(node, 'k')
  if (input === undefined || count === undefined) {
    return undefined
  }
  const axis = wrap(int(node, 'axis') ?? -1, input.length)
  if (axis === undefined) {
    return undefined
  }
  const result = input.map((size, at) => (at === axis ? count : size))
  return [result, result]
}

const tile: ShapeRule = (_node, { shape, values }) => {
  const repeats = values(1)
  return repeats && [shape(0)?.map((size, axis) => size * (repeats[axis] ?? 1))]
}

/** Channels of the picture at the places that the grid names. */
const gridSample: ShapeRule = (_node, { shape }) => {
  const input = shape(0)
  const grid = shape(1)
  return input && grid && [[input[0] ?? 1, input[1] ?? 1, ...grid.slice(1, -1)]]
}

/** The same node over other inputs, for quantized operators that work as the plain ones do. */
const withInputs = (
  { range, op, domain, outputs, attributes, subgraphs }: OnnxNode,
  inputs: string[],
): OnnxNode => ({
  range,
  op,
  domain,
  inputs,
  outputs,
  attributes,
  subgraphs,
})

/** Scale and zero point of the result come first, then value, scale and zero point of each part. */
const quantizedConcat: ShapeRule = (node, { shape }) => {
  const values = Array.from({ length: Math.floor((node.inputs.length - 2) / 3) }, (_, index) => 2 + 3 * index)
  const inputs = values.map(String)
  return concat(withInputs(node, inputs), {
    shape: (index) => shape(values[index] ?? 0),
    values: () => undefined,
  })
}

/** Value, scale and zero point of each side. */
const quantizedPair: ShapeRule = (node, { shape }) =>
  broadcast(withInputs(node, ['', '']), { shape: (index) => shape(3 * index), values: () => undefined })

const rankOf: ShapeRule = (_node, { shape }) => {
  const input = shape(0)
  return input && [[input.length]]
}

const globalPool: ShapeRule = (_node, { shape }) => [shape(0)?.map((size, axis) => (axis < 2 ? size : 1))]

/** An axis counted from the front; undefined for one that is not there. */
function wrap(axis: number, rank: number): number | undefined {
  const at = axis < 0 ? axis + rank : axis
  return at >= 0 && at < rank ? at : undefined
}

/** All of them, or undefined. */
function wrapAll(axes: readonly number[], rank: number): number[] | undefined {
  const found = axes.map((axis) => wrap(axis, rank))
  return found.every((axis) => axis !== undefined) ? found : undefined
}

const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1)

const quantizeDynamically: ShapeRule = (_node, { shape }) => [shape(0), [], []]

const list = (names: string): string[] => names.split(' ')

/** By operator; what is missing here gives outputs of unknown shape. */
const OPS: readonly [ShapeRule, string[]][] = [
  [
    same,
    list('Identity Cast Sigmoid Relu LeakyRelu PRelu Clip HardSwish HardSigmoid Tanh Softplus Softmax Mish'),
  ],
  [
    same,
    list(
      'Elu Exp Log Sqrt Neg Abs Erf Gelu Floor Ceil Round Not Cos Sin Reciprocal CumSum Trilu Dropout LRN',
    ),
  ],
  [
    same,
    list('BatchNormalization InstanceNormalization LayerNormalization SkipLayerNormalization ScatterND'),
  ],
  [same, list('ScatterElements QuantizeLinear DequantizeLinear QuickGelu QLinearSigmoid QLinearLeakyRelu')],
  [quantizeDynamically, ['DynamicQuantizeLinear']],
  [broadcast, list('Add Sub Mul Div Pow Min Max Where Equal Less Greater And Or Mod')],
  [quantizedPair, list('QLinearAdd QLinearMul')],
  [convolve(1), list('Conv ConvInteger FusedConv')],
  [convolve(3), ['QLinearConv']],
  [deconvolve, ['ConvTranspose']],
  [pool, list('MaxPool AveragePool')],
  [globalPool, list('GlobalAveragePool GlobalMaxPool QLinearGlobalAveragePool')],
  [matmul(1), list('MatMul MatMulInteger')],
  [matmul(3), ['QLinearMatMul']],
  [gemm, ['Gemm']],
  [concat, ['Concat']],
  [quantizedConcat, ['QLinearConcat']],
  [reshape, ['Reshape']],
  [transpose, ['Transpose']],
  [flatten, ['Flatten']],
  [unsqueeze, ['Unsqueeze']],
  [squeeze, ['Squeeze']],
  [slice, ['Slice']],
  [split, ['Split']],
  [resize, list('Resize Upsample')],
  [gather, ['Gather']],
  [(_node, { shape }) => [shape(1)], ['GatherElements']],
  [topK, ['TopK']],
  [tile, ['Tile']],
  [gridSample, ['GridSample']],
  [reduce, list('ReduceMean ReduceMax ReduceMin ReduceSum ReduceL2 ReduceProd')],
  [pad, ['Pad']],
  [expand, ['Expand']],
  [(_node, { values }) => [values(0)], ['ConstantOfShape']],
  [rankOf, ['Shape']],
]

export const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map(
  OPS.flatMap(([rule, ops]) => ops.map((op) => [op, rule] as const)),
)
