import { BoxletError } from '../../errors.ts'
import { toHalf } from '../../system/half.ts'
import {
  addConstant,
  bytesOf,
  type Draft,
  type DraftNode,
  type DraftTensor,
  elementsOf,
  floatsOf,
  freeName,
  int,
  node,
} from '../graph/draft.ts'
import { readersOf } from '../graph/rewire.ts'
import { channelAxis, quantizeRows } from './rows.ts'

export type Storage = 'float16' | 'int8'

/** Smaller constants are sizes, anchors and biases; they are no weight of the file, and some must be exact. */
const LEAST_ELEMENTS = 1_024
/** Beyond it a half is infinite. */
const MAX_HALF = 65_504

export interface CompressCounts {
  /** Weights that are stored small now. */
  stored: number
  /** Bytes of weights before and after. */
  before: number
  after: number
}

/**
 * Stores weights in fewer bits and computes as before: a Cast, and for int8 a product with one scale a channel,
 * stand before each use. The runtime computes both once, at load, which it does not do with `DequantizeLinear`.
 *
 * @param halfShare share of the weights, from the picture on, that int8 leaves to float16: the early layers are few bytes
 * and what rounding hurts most
 * @throws BoxletError MODEL_UNSUPPORTED where there is no float weight to be stored smaller
 */
export function compressWeights(draft: Draft, to: Storage, halfShare = 0): CompressCounts {
  const counts: CompressCounts = { stored: 0, before: 0, after: 0 }
  const first: DraftNode[] = []
  const weights = weightsInOrder(draft)
  const readers = readersOf(draft)
  for (const [index, tensor] of weights.entries()) {
    const users = readers.get(tensor.name) ?? []
    const axes = new Set(users.map((user) => channelAxis(user, tensor, int(user, 'transB') === 1)))
    const [axis] = axes
    if (axis === undefined || axes.size > 1) {
      continue
    }
    const isHalf = to === 'float16' || isThin(tensor) || index < halfShare * weights.length
    const made = isHalf ? asHalf(draft, tensor) : asInt8(draft, tensor, axis)
    if (made === undefined) {
      continue
    }
    counts.stored++
    counts.before += tensor.data.length
    counts.after += made.bytes
    draft.constants.delete(tensor.name)
    first.push(...made.nodes)
  }
  if (counts.stored === 0) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      'Expected float32 weights that can be stored smaller but there are none.',
      {
        hint: 'The file may be compressed or quantized already; "boxlet model inspect" tells.',
      },
    )
  }
  draft.nodes.unshift(...first)
  return counts
}

/** Large float constants that a layer reads, in the order of the layers. */
function weightsInOrder(draft: Draft): DraftTensor[] {
  const found = new Set<DraftTensor>()
  for (const { inputs } of draft.nodes) {
    const tensor = draft.constants.get(inputs[1] ?? '')
    if (tensor?.type === 'float32' && elementsOf(tensor) >= LEAST_ELEMENTS) {
      found.add(tensor)
    }
  }
  return [...found]
}

interface Stored {
  nodes: DraftNode[]
  bytes: number
}

/** The constant as halves; undefined where a value is beyond their range. */
function asHalf(draft: Draft, tensor: DraftTensor): Stored | undefined {
  const values = floatsOf(tensor)
  if (values.some((value) => !(Math.abs(value) <= MAX_HALF))) {
    return undefined
  }
  const data = bytesOf(Uint16Array.from(values, toHalf))
  const name = addConstant(draft, `${tensor.name}.half`, { type: 'float16', dims: tensor.dims, data })
  return { nodes: [node('Cast', [name], [tensor.name], { to: { type: 'float32' } })], bytes: data.length }
}

/**
 * A weight with few values for each output: depthwise filters and the first layer. Rounding does not cancel out over
 * so few, and they are a small part of any file.
 */
const isThin = ({ dims }: DraftTensor): boolean =>
  dims.length === 4 && dims.slice(1).reduce((product, size) => product * size, 1) < THIN

const THIN = 64

/** A weight as whole numbers with a scale for each output channel. */
function asInt8(draft: Draft, tensor: DraftTensor, axis: number): Stored {
  const { codes, scales } = quantizeRows(floatsOf(tensor), tensor.dims, axis, 127)
  const dims = tensor.dims.map((size, at) => (at === axis ? size : 1))
  const code = addConstant(draft, `${tensor.name}.int8`, {
    type: 'int8',
    dims: tensor.dims,
    data: bytesOf(codes),
  })
  const scale = addConstant(draft, `${tensor.name}.scale`, { type: 'float32', dims, data: bytesOf(scales) })
  const whole = freeName(draft, `${tensor.name}.whole`)
  return {
    nodes: [
      node('Cast', [code], [whole], { to: { type: 'float32' } }),
      node('Mul', [whole, scale], [tensor.name]),
    ],
    bytes: codes.length + scales.byteLength,
  }
}
