import type { OnnxNode } from '../model.ts'
import { isTransposed, type Links, resolveConstant } from './links.ts'

/** Where the weight of a layer is among the node's inputs. */
const WEIGHT_INPUT: Record<string, number> = {
  Conv: 1,
  ConvTranspose: 1,
  ConvInteger: 1,
  QLinearConv: 3,
  FusedConv: 1,
  MatMul: 1,
  MatMulInteger: 1,
  QLinearMatMul: 3,
  Gemm: 1,
  QGemm: 3,
  DynamicQuantizeMatMul: 1,
  MatMulNBits: 1,
  DeformConv: 1,
}

/** A layer with learned weights. */
export interface WeightedLayer {
  node: OnnxNode
  kind: 'conv' | 'deconv' | 'matmul'
  /** Dimensions of the weight as stored. */
  weight: number[]
  outputChannels: number
  /** Multiplications for one value of the output. */
  macsPerOutput: number
}

/** The layer that a node is, or undefined when it has no constant weight: attention multiplies two activations. */
export function weightedLayer(links: Links, node: OnnxNode): WeightedLayer | undefined {
  const slot = WEIGHT_INPUT[node.op]
  if (slot === undefined) {
    return undefined
  }
  const name = node.inputs[slot] ?? ''
  const tensor = resolveConstant(links, name)
  if (tensor === undefined) {
    return undefined
  }
  const weight = tensor.dims
  if (node.op === 'ConvTranspose') {
    const group = node.attributes.get('group')?.int ?? 1
    const [inputs = 1, outputs = 1, ...kernel] = weight
    // Each input value is spread over the kernel; per output value that depends on the stride.
    const strides = node.attributes.get('strides')?.ints ?? kernel.map(() => 1)
    return {
      node,
      kind: 'deconv',
      weight,
      outputChannels: outputs * group,
      macsPerOutput: (product(kernel) * (inputs / group)) / product(strides),
    }
  }
  if (node.op.endsWith('MatMul') || node.op.startsWith('MatMul') || node.op.endsWith('Gemm')) {
    const swapped = isTransposed(links, name) !== ((node.attributes.get('transB')?.int ?? 0) === 1)
    const rows = weight.at(-2) ?? 1
    const columns = weight.at(-1) ?? 1
    return {
      node,
      kind: 'matmul',
      weight,
      outputChannels: swapped ? rows : columns,
      macsPerOutput: swapped ? columns : rows,
    }
  }
  const [outputs = 1, ...perOutput] = weight
  return { node, kind: 'conv', weight, outputChannels: outputs, macsPerOutput: product(perOutput) }
}

const product = (sizes: number[]): number => sizes.reduce((result, size) => result * size, 1)

const RESHAPING = new Set([
  'Transpose',
  'Reshape',
  'Identity',
  'Cast',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
])

/** Quantized files put a Quantize/Dequantize pair behind each step between Softmax and the convolution. */
const MAX_RESHAPING_STEPS = 12

/**
 * The expectation over the bins of a distribution, written as a 1×1 convolution with the weights 0, 1, 2 …:
 * one output channel, fed by a Softmax. It decodes boxes and is not a layer of the network.
 */
export function isBinExpectation(links: Links, layer: WeightedLayer): boolean {
  if (layer.outputChannels !== 1) {
    return false
  }
  let at = layer.node.inputs[0] ?? ''
  for (let step = 0; step < MAX_RESHAPING_STEPS; step++) {
    const node = links.producers.get(at)
    if (node === undefined) {
      return false
    }
    if (node.op === 'Softmax' || node.op === 'QLinearSoftmax') {
      return true
    }
    if (!RESHAPING.has(node.op)) {
      return false
    }
    at = node.inputs[0] ?? ''
  }
  return false
}
