import { usedBy } from '../../onnx/graph/edit.ts'
import { weightValues } from '../../onnx/graph/weight-values.ts'
import type { OnnxNode } from '../../onnx/model.ts'
import { tensorValues } from '../../onnx/read/values.ts'
import type { Preparation, PreparationStep } from '../preparation.ts'

/** Steps of one pixel may differ by this share and still round to the same codes for all 256. */
const SAME_STEP = 1e-3

/**
 * Lets a quantized graph take plain RGB bytes: where its first QuantizeLinear turns the picture into codes that are
 * the pixels themselves (a step of one pixel, zero at zero), bytes go in as they are. Colour order moves into the
 * codes of the first convolution.
 */
export const takeQuantizedPixels: PreparationStep = (at) => {
  const { model, contract, edits } = at
  const { input } = contract
  const [std] = input.std
  const isPlain = input.mean.every((value) => value === 0) && input.std.every((value) => value === std)
  if (input.dtype !== 'float32' || input.layout !== 'NCHW' || !isPlain) {
    return undefined
  }
  const declared =
    edits.inputs?.[0] ?? model.graph.inputs.find(({ name }) => !model.graph.initializers.has(name))
  const [batch, channels, height, width] = declared?.shape ?? []
  const readers = model.graph.nodes.filter((node) => usedBy(node).includes(input.name))
  const [quantize] = readers
  if (declared?.name !== input.name || batch == null || channels !== 3 || height == null || width == null) {
    return undefined
  }
  if (readers.length !== 1 || quantize === undefined || !givesPixels(at, quantize, std)) {
    return undefined
  }
  if (input.colour === 'BGR' && !reverseFirst(at, quantize)) {
    return undefined
  }
  edits.replace.set(quantize, [])
  edits.first = [
    { op: 'Transpose', inputs: [input.name], outputs: quantize.outputs, attributes: { perm: [0, 3, 1, 2] } },
  ]
  edits.inputs = [{ name: input.name, type: 'uint8', shape: [batch, height, width, 3] }]
  return {
    contract: {
      ...contract,
      input: { ...input, dtype: 'uint8', layout: 'NHWC', colour: 'RGB', mean: [0, 0, 0], std: [1, 1, 1] },
    },
    edit: 'The pixels are the codes that the first convolution takes.',
  }
}

function givesPixels({ model, links }: Preparation, { op, inputs }: OnnxNode, std: number): boolean {
  const [, scaleName = '', zeroName = ''] = inputs
  const [scale, zero] = [links.constants.get(scaleName), links.constants.get(zeroName)]
  if (op !== 'QuantizeLinear' || scale?.elements !== 1 || zero?.elements !== 1 || zero.type !== 'uint8') {
    return false
  }
  const step = tensorValues(model.bytes, scale)?.[0] ?? 0
  return tensorValues(model.bytes, zero)?.[0] === 0 && Math.abs(step * std - 1) < SAME_STEP
}

/** Turns the channels of the weights round that read these codes; false where the graph has another form. */
function reverseFirst({ model, links, edits }: Preparation, { outputs }: OnnxNode): boolean {
  const real = onlyReader(model.graph.nodes, outputs[0], 'DequantizeLinear')
  const convolutions = model.graph.nodes.filter((node) => usedBy(node).includes(real?.outputs[0] ?? ''))
  if (real === undefined || convolutions.length === 0) {
    return false
  }
  const turned = new Set<string>()
  for (const node of convolutions) {
    const weight = links.producers.get(node.inputs[1] ?? '')
    const codes = links.constants.get(weight?.inputs[0] ?? '')
    const isOwn =
      weight !== undefined &&
      model.graph.nodes.filter((other) => usedBy(other).includes(codes?.name ?? '')).length === 1
    if (
      node.op !== 'Conv' ||
      node.inputs[0] !== real.outputs[0] ||
      (node.attributes.get('group')?.int ?? 1) !== 1
    ) {
      return false
    }
    if (weight?.op !== 'DequantizeLinear' || codes?.type !== 'int8' || codes.dims[1] !== 3 || !isOwn) {
      return false
    }
    const values = weightValues(model, links, codes.name)
    if (values === undefined) {
      return false
    }
    if (!turned.has(codes.name)) {
      turned.add(codes.name)
      edits.constants.push({
        name: codes.name,
        type: 'int8',
        dims: codes.dims,
        data: reversed(values.values, codes.dims),
      })
    }
  }
  return true
}

function onlyReader(nodes: readonly OnnxNode[], name: string | undefined, op: string): OnnxNode | undefined {
  const readers = nodes.filter((node) => usedBy(node).includes(name ?? ''))
  return readers.length === 1 && readers[0]?.op === op ? readers[0] : undefined
}

/** [filters, 3, h, w] with the channels the other way round. */
function reversed(
  values: Float32Array,
  [filters = 0, , height = 0, width = 0]: readonly number[],
): Int8Array {
  const size = height * width
  const result = new Int8Array(values.length)
  for (let filter = 0; filter < filters; filter++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = (filter * 3 + channel) * size
      const to = (filter * 3 + 2 - channel) * size
      for (let at = 0; at < size; at++) {
        result[to + at] = values[from + at]!
      }
    }
  }
  return result
}
