import { fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf'
import { node, sizes } from './graph-parts.ts'

/** Damage that keeps a file a graph: other sizes, axes, operators and edges, which flipped bits seldom give. */

type Next = () => number

/** Xorshift: the same seed gives the same file. */
function randomOf(seed: number): Next {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

const pick = <T>(from: readonly T[], next: Next): T | undefined => from[Math.floor(next() * from.length)]

/** Edges of what integers hold, of what the runtime's kernels take, and plain small numbers. */
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  7n,
  8n,
  16n,
  33n,
  64n,
  255n,
  1000n,
  65_536n,
  1_000_000n,
  -1n,
  -2n,
  -3n,
  -5n,
  -9n,
  -64n,
  -1000n,
  2n ** 20n,
  2n ** 28n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 31n),
  -(2n ** 40n),
  -(2n ** 63n),
] // prettier-ignore
const REALS = [0, -1, 0.5, 2, 64, 1e9, 1e30, -1e30, Number.NaN, Number.POSITIVE_INFINITY]
const OPERATORS =
  'Add Mul Div Sub Concat Reshape Transpose Slice Split Gather GatherElements Unsqueeze Squeeze Expand Tile Pad Resize Upsample ConstantOfShape Range OneHot TopK Shape Cast Where Flatten ReduceMax ReduceMean Conv ConvTranspose MaxPool AveragePool MatMul Gemm Softmax NonMaxSuppression ScatterND Identity Relu Constant GridSample QLinearConv QLinearConcat CumSum NonZero EyeLike'.split(
    ' ',
  )

const number = (next: Next): bigint => pick(NUMBERS, next)!

function otherNumbers(list: bigint[], next: Next): void {
  const kind = next()
  if (kind < 0.7 && list.length > 0) {
    list[Math.floor(next() * list.length)] = number(next)
  } else if (kind < 0.9) {
    list.push(number(next))
  } else {
    const count = kind < 0.97 ? 70 : 5_000
    list.push(...Array.from({ length: count }, () => number(next)))
  }
}

function otherAttribute(attribute: AttributeProto, next: Next): void {
  if (attribute.ints.length > 0) {
    otherNumbers(attribute.ints, next)
  } else if (attribute.floats.length > 0) {
    attribute.floats[Math.floor(next() * attribute.floats.length)] = pick(REALS, next)!
  } else if (attribute.t !== undefined) {
    otherTensor(attribute.t, next)
  } else {
    attribute.i = number(next)
    attribute.f = pick(REALS, next)!
  }
}

const INT64 = 7
/** Longer constants are weights, whose values lead nowhere. */
const SIZE_BYTES = 512

function otherTensor(tensor: TensorProto, next: Next): void {
  const kind = next()
  if (kind < 0.2) {
    otherNumbers(tensor.dims, next)
  } else if (kind < 0.25) {
    tensor.dataType = Math.floor(next() * 24)
  } else if (tensor.dataType === INT64 && tensor.rawData.length >= 8 && tensor.rawData.length <= SIZE_BYTES) {
    const raw = Buffer.from(tensor.rawData)
    raw.writeBigInt64LE(number(next), 8 * Math.floor((next() * raw.length) / 8))
    tensor.rawData = raw
  } else if (tensor.int64Data.length > 0) {
    otherNumbers(tensor.int64Data, next)
  } else if (tensor.rawData.length >= 4 && tensor.rawData.length <= SIZE_BYTES) {
    const raw = Buffer.from(tensor.rawData)
    raw.writeFloatLE(pick(REALS, next)!, 4 * Math.floor((next() * raw.length) / 4))
    tensor.rawData = raw
  } else {
    otherNumbers(tensor.dims, next)
  }
}

function otherShape({ type }: ValueInfoProto, next: Next): void {
  const dims = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined
  const dim = pick(dims ?? [], next)
  if (dim !== undefined) {
    dim.value = next() < 0.4 ? { case: 'dimParam', value: 'any' } : { case: 'dimValue', value: number(next) }
  }
}

const SIZES = 'hostile_sizes'

/** Nodes after one that make ever more of what it gives; what read it reads the last of them. */
function grow(graph: GraphProto, at: NodeProto, next: Next): void {
  const from = at.output[0] ?? ''
  graph.initializer.push(
    sizes(SIZES, [number(next), number(next), 3n, 3n].slice(0, 1 + Math.floor(next() * 4))),
  )
  const steps: ((from: string, to: string) => NodeProto)[] = [
    (a, b) => node('Concat', [a, a], [b], { axis: BigInt(Math.floor(next() * 4)) }),
    (a, b) => node('Gather', [a, a], [b]),
    (a, b) => node('Tile', [a, SIZES], [b]),
    (a, b) => node('Expand', [a, SIZES], [b]),
    (a, b) => node('Unsqueeze', [a], [b], { axes: [0n] }),
    (a, b) => node('Mul', [a, a], [b]),
    (a, b) => node('Pad', [a, SIZES], [b]),
    (a, b) => node('Reshape', [a, SIZES], [b]),
    (_, b) => node('ConstantOfShape', [SIZES], [b]),
  ]
  const step = pick(steps, next)!
  const count = 1 + Math.floor(next() * next() * 60)
  const added = Array.from({ length: count }, (_, i) =>
    step(i === 0 ? from : `hostile_${i}`, `hostile_${i + 1}`),
  )
  for (const other of graph.node) {
    other.input = other.input.map((name) => (name === from ? `hostile_${count}` : name))
  }
  graph.node.splice(graph.node.indexOf(at) + 1, 0, ...added)
}

function mutate(graph: GraphProto, next: Next): void {
  const at = pick(graph.node, next)
  const kind = next()
  if (at === undefined) {
    return
  }
  const attribute = pick(at.attribute, next)
  const tensor = pick(graph.initializer, next)
  const some = () => pick(pick(graph.node, next)?.output ?? [], next) ?? ''
  if (kind < 0.3 && attribute !== undefined) {
    otherAttribute(attribute, next)
  } else if (kind < 0.5 && tensor !== undefined) {
    otherTensor(tensor, next)
  } else if (kind < 0.6) {
    otherShape(pick([...graph.input, ...graph.output, ...graph.valueInfo], next)!, next)
  } else if (kind < 0.7 && at.input.length > 0) {
    at.input[Math.floor(next() * at.input.length)] = some()
  } else if (kind < 0.78) {
    at.opType = pick(OPERATORS, next)!
  } else if (kind < 0.84) {
    at.input.push(some())
  } else if (kind < 0.88) {
    graph.node.splice(graph.node.indexOf(at), 1)
  } else if (kind < 0.9) {
    graph.node.reverse()
  } else if (kind < 0.92) {
    graph.output.push(...graph.output.slice(0, 1))
  } else {
    grow(graph, at, next)
  }
}

/** The file with one to six changes that its seed chooses. */
export function mutated(bytes: Uint8Array, seed: number): Uint8Array {
  const next = randomOf(seed)
  const model = fromBinary(ModelProtoSchema, bytes)
  const changes = 1 + Math.floor(next() * 6)
  for (let i = 0; i < changes; i++) {
    mutate(model.graph!, next)
  }
  return toBinary(ModelProtoSchema, model)
}
