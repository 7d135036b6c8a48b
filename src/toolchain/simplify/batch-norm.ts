import {
  attribute,
  bytesOf,
  type Draft,
  type DraftNode,
  type DraftTensor,
  elementsOf,
  floatsOf,
  freeName,
  int,
} from '../graph/draft.ts'
import { fixedNames, readersOf } from '../graph/rewire.ts'
import type { Counts } from './counts.ts'

/** Per output channel: y = x · scale + shift. */
interface Affine {
  scale: Float64Array
  shift: Float64Array
}

const DEFAULT_EPSILON = 1e-5

/**
 * Puts batch norms, and products and sums with one number a channel, into the convolution before them where nothing
 * else reads what lies between. Sums are made in double precision and rounded once.
 */
export function foldBatchNorm(draft: Draft, counts: Counts): void {
  const fixed = fixedNames(draft)
  const readers = readersOf(draft)
  const gone = new Set<DraftNode>()
  for (const conv of draft.nodes) {
    if (conv.op !== 'Conv' && conv.op !== 'ConvTranspose') {
      continue
    }
    for (;;) {
      const [output = ''] = conv.outputs
      const next = readers.get(output)
      const [follower] = next ?? []
      const channels = channelsOf(draft, conv)
      if (next?.length !== 1 || follower === undefined || fixed.has(output) || channels === undefined) {
        break
      }
      const affine = affineOf(draft, follower, output, channels)
      if (affine === undefined || !apply(draft, conv, affine, readers)) {
        break
      }
      conv.outputs = [follower.outputs[0]!]
      gone.add(follower)
      counts.normed++
    }
  }
  draft.nodes = draft.nodes.filter((node) => !gone.has(node))
}

function channelsOf(draft: Draft, conv: DraftNode): number | undefined {
  const weight = draft.constants.get(conv.inputs[1] ?? '')
  if (weight?.type !== 'float32' || weight.dims.length < 3) {
    return undefined
  }
  return conv.op === 'Conv' ? weight.dims[0] : weight.dims[1]! * (int(conv, 'group') ?? 1)
}

/** What a node does to each channel of `value`; undefined when it does more or less. */
function affineOf(draft: Draft, node: DraftNode, value: string, channels: number): Affine | undefined {
  if (node.op === 'BatchNormalization') {
    return batchNorm(draft, node, value, channels)
  }
  if (!['Mul', 'Add', 'Sub', 'Div'].includes(node.op) || node.inputs.length !== 2) {
    return undefined
  }
  const first = node.inputs[0] === value
  const other = draft.constants.get(node.inputs[first ? 1 : 0]!)
  const numbers =
    other === undefined || (!first && (node.op === 'Sub' || node.op === 'Div'))
      ? undefined
      : perChannel(other, channels)
  if (numbers === undefined) {
    return undefined
  }
  const scale = new Float64Array(channels).fill(1)
  const shift = new Float64Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    const number = numbers[channel]!
    if (node.op === 'Mul') {
      scale[channel] = number
    } else if (node.op === 'Div') {
      scale[channel] = 1 / number
    } else {
      shift[channel] = node.op === 'Add' ? number : -number
    }
  }
  return scale.every(Number.isFinite) ? { scale, shift } : undefined
}

function batchNorm(draft: Draft, node: DraftNode, value: string, channels: number): Affine | undefined {
  const isTraining = int(node, 'training_mode') === 1 || node.outputs.slice(1).some((name) => name !== '')
  const parts = node.inputs.slice(1, 5).map((name) => draft.constants.get(name))
  if (
    node.inputs[0] !== value ||
    isTraining ||
    parts.length !== 4 ||
    !parts.every((part) => part?.type === 'float32' && elementsOf(part) === channels)
  ) {
    return undefined
  }
  const [gamma, beta, mean, variance] = parts.map((part) => floatsOf(part!)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  const epsilon = attribute(node, 'epsilon')?.float ?? DEFAULT_EPSILON
  const scale = Float64Array.from(gamma, (factor, at) => factor / Math.sqrt(variance[at]! + epsilon))
  return { scale, shift: Float64Array.from(beta, (offset, at) => offset - mean[at]! * scale[at]!) }
}

/** One number, or one for each channel along axis 1 of a map: [C, 1, 1] or [1, C, 1, 1]. */
function perChannel(tensor: DraftTensor, channels: number): Float32Array | undefined {
  if (tensor.type !== 'float32') {
    return undefined
  }
  const { dims } = tensor
  const values = elementsOf(tensor)
  if (values === 1 && dims.length <= 4) {
    return new Float32Array(channels).fill(floatsOf(tensor)[0]!)
  }
  const isPlaced = (dims.length === 3 || dims.length === 4) && dims.at(-3) === channels && values === channels
  return isPlaced ? floatsOf(tensor) : undefined
}

function apply(
  draft: Draft,
  conv: DraftNode,
  { scale, shift }: Affine,
  readers: ReadonlyMap<string, readonly DraftNode[]>,
): boolean {
  const [, weightName = '', biasName = ''] = conv.inputs
  const weight = draft.constants.get(weightName)!
  const bias = biasName === '' ? undefined : draft.constants.get(biasName)
  if (biasName !== '' && (bias?.type !== 'float32' || elementsOf(bias) !== scale.length)) {
    return false
  }
  const values = floatsOf(weight)
  const channelAt = channelOf(conv, weight, int(conv, 'group') ?? 1)
  for (let at = 0; at < values.length; at++) {
    values[at] = values[at]! * scale[channelAt(at)]!
  }
  const old = bias === undefined ? undefined : floatsOf(bias)
  const shifted = Float32Array.from(shift, (offset, at) => (old?.[at] ?? 0) * scale[at]! + offset)
  conv.inputs = [
    conv.inputs[0]!,
    replaced(draft, weight, bytesOf(values), readers),
    bias === undefined
      ? addBias(draft, weightName, shifted)
      : replaced(draft, bias, bytesOf(shifted), readers),
  ]
  return true
}

function addBias(draft: Draft, weight: string, values: Float32Array): string {
  const name = freeName(draft, `${weight}.bias`)
  draft.constants.set(name, { name, type: 'float32', dims: [values.length], data: bytesOf(values) })
  return name
}

/** New values under the old name, or beside it where another node reads the old ones. */
function replaced(
  draft: Draft,
  tensor: DraftTensor,
  data: Uint8Array,
  readers: ReadonlyMap<string, readonly DraftNode[]>,
): string {
  const isShared = (readers.get(tensor.name)?.length ?? 0) > 1
  const name = isShared ? freeName(draft, `${tensor.name}.folded`) : tensor.name
  draft.constants.set(name, { ...tensor, name, data })
  return name
}

/** Output channel of the weight at an index. */
function channelOf(conv: DraftNode, { dims }: DraftTensor, group: number): (at: number) => number {
  const kernel = dims.slice(2).reduce((product, size) => product * size, 1)
  if (conv.op === 'Conv') {
    const size = dims[1]! * kernel
    return (at) => Math.floor(at / size)
  }
  const [inputs = 1, perGroup = 1] = dims
  const inputsPerGroup = inputs / group
  return (at) => {
    const input = Math.floor(at / (perGroup * kernel))
    return Math.floor(input / inputsPerGroup) * perGroup + (Math.floor(at / kernel) % perGroup)
  }
}
