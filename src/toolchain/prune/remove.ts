import {
  bytesOf,
  type Draft,
  type DraftNode,
  type DraftTensor,
  floatsOf,
  int,
  int64Bytes,
} from '../graph/draft.ts'
import type { ChannelGroups } from './groups.ts'

/**
 * Takes channels out of all weights and sizes that they are in, and puts what their means gave into the biases behind. Changes the draft; `groups` are of it.
 *
 * @param means of each channel of what convolutions read
 */
export function removeChannels(
  draft: Draft,
  groups: ChannelGroups,
  gone: ReadonlySet<number>,
  means: ReadonlyMap<string, Float64Array>,
): void {
  const keptOf = (name: string): number[] =>
    (groups.of.get(name) ?? []).flatMap((group, at) => (gone.has(groups.root(group)) ? [] : [at]))
  for (const node of draft.nodes) {
    if (node.op === 'Conv') {
      cutConvolution(draft, node, keptOf, means)
    } else if (node.op === 'Split' && groups.of.has(node.outputs[0] ?? '')) {
      const sizes = node.outputs.map((name) => keptOf(name).length)
      const name = `${node.outputs[0]}.sizes`
      draft.constants.set(name, { name, type: 'int64', dims: [sizes.length], data: int64Bytes(sizes) })
      node.inputs = [node.inputs[0]!, name]
    }
  }
}

function cutConvolution(
  draft: Draft,
  node: DraftNode,
  keptOf: (name: string) => number[],
  means: ReadonlyMap<string, Float64Array>,
): void {
  const [input = '', weightName = '', biasName = ''] = node.inputs
  const weight = draft.constants.get(weightName)
  const outputs = keptOf(node.outputs[0] ?? '')
  if (weight === undefined || outputs.length === 0) {
    return
  }
  const isDepthwise = (int(node, 'group') ?? 1) > 1
  const inputs = isDepthwise ? [0] : keptOf(input)
  if (outputs.length === weight.dims[0] && inputs.length === weight.dims[1]) {
    return
  }
  const name = `${node.outputs[0]}.weight`
  draft.constants.set(name, { ...cutWeight(weight, outputs, inputs), name })
  node.inputs = [input, name]
  const bias = draft.constants.get(biasName)
  const old = bias === undefined ? new Float32Array(weight.dims[0]!) : floatsOf(bias)
  const lost = isDepthwise ? undefined : lostMeans(weight, inputs, means.get(input))
  const kept = Float32Array.from(outputs, (at) => old[at]! + (lost?.[at] ?? 0))
  const cut = `${node.outputs[0]}.bias`
  draft.constants.set(cut, { name: cut, type: 'float32', dims: [kept.length], data: bytesOf(kept) })
  node.inputs.push(cut)
  if (isDepthwise) {
    node.attributes = { ...node.attributes, group: outputs.length }
  }
}

/** What channels that go gave to each output by their mean; paddings, which give nothing, are left out of account. */
function lostMeans(
  weight: DraftTensor,
  kept: readonly number[],
  means: Float64Array | undefined,
): Float64Array | undefined {
  const [filters = 0, channels = 0, height = 1, width = 1] = weight.dims
  if (means === undefined || kept.length === channels) {
    return undefined
  }
  const stays = new Set(kept)
  const values = floatsOf(weight)
  const kernel = height * width
  return Float64Array.from({ length: filters }, (_, filter) => {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) {
      if (stays.has(channel)) {
        continue
      }
      const from = (filter * channels + channel) * kernel
      sum += means[channel]! * values.subarray(from, from + kernel).reduce((total, value) => total + value, 0)
    }
    return sum
  })
}

function cutWeight(weight: DraftTensor, outputs: readonly number[], inputs: readonly number[]): DraftTensor {
  const [, channels = 1, height = 1, width = 1] = weight.dims
  const kernel = height * width
  const values = floatsOf(weight)
  const kept = new Float32Array(outputs.length * inputs.length * kernel)
  let to = 0
  for (const output of outputs) {
    for (const input of inputs) {
      const from = (output * channels + input) * kernel
      kept.set(values.subarray(from, from + kernel), to)
      to += kernel
    }
  }
  return { ...weight, dims: [outputs.length, inputs.length, height, width], data: bytesOf(kept) }
}
