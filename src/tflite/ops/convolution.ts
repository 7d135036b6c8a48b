import type { Attribute } from '../../onnx/write/encode.ts'
import { PADDING_SAME } from '../codes.ts'
import { codesConstant, INT8_TO_UINT8, isQuantized, realConstant } from '../constants.ts'
import { elementCount } from '../graph.ts'
import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { CHANNELS_FIRST, type Order, stored } from '../order.ts'
import { CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV } from '../schema.ts'
import { needPositive, needRank, samePads, spatial, windows } from './window.ts'

/** Filters lie as output, height, width, input. */
const OHWI_TO_OIHW: Order = [0, 3, 1, 2]
/** Depthwise filters lie as 1, height, width, output. */
const IHWO_TO_OIHW: Order = [3, 0, 1, 2]
/** ConvTranspose of ONNX counts input channels first. */
const OHWI_TO_IOHW: Order = [3, 0, 1, 2]

export function conv2d(at: Operation): void {
  const options = at.options(CONV_2D)
  needRank(at, 0, 4)
  needRank(at, 1, 4)
  const channels = at.shape(0)[3]!
  const perGroup = at.shape(1)[3]!
  if (perGroup === 0 || channels % perGroup !== 0) {
    throw corrupt(`${channels} input channels in the filter`, `${perGroup}`)
  }
  convolve(at, options, OHWI_TO_OIHW, channels / perGroup)
}

export function depthwiseConv2d(at: Operation): void {
  const options = at.options(DEPTHWISE_CONV_2D)
  needRank(at, 0, 4)
  needRank(at, 1, 4)
  convolve(at, options, IHWO_TO_OIHW, at.shape(0)[3]!)
}

interface ConvOptions {
  padding: number
  strideW: number
  strideH: number
  dilationW: number
  dilationH: number
  activation: number
}

function convolve(at: Operation, options: ConvOptions, filterOrder: Order, group: number): void {
  const [, kernelH, kernelW] = at.shape(1) as [number, number, number, number]
  const kernel = [kernelH, kernelW]
  const strides = [options.strideH, options.strideW]
  const dilations = [options.dilationH, options.dilationW]
  needPositive(at, [...kernel, ...strides, ...dilations])
  const padded = options.padding === PADDING_SAME ? undefined : at.values.paddings.get(at.index(0))
  const pads =
    options.padding === PADDING_SAME
      ? samePads(spatial(at.shape(0)), kernel, strides, dilations)
      : (padded?.pads ?? [0, 0, 0, 0])
  // Zeros that an operator of its own put around the picture become padding of the convolution.
  const picture =
    padded === undefined
      ? at.real(0, CHANNELS_FIRST)
      : at.values.real(padded.from, CHANNELS_FIRST, at.isCoded)
  const inputs = [picture, filter(at, 1, filterOrder)]
  if (at.has(2)) {
    inputs.push(bias(at, 2, 0, 1))
  }
  const [batch = 1, height, width] = padded === undefined ? at.shape(0) : at.values.tensor(padded.from).shape
  const sizes = [height!, width!].map((size, axis) =>
    windows(size + pads[axis]! + pads[axis + 2]!, kernel[axis]!, strides[axis]!, dilations[axis]!),
  )
  at.expect([batch, ...sizes, at.shape(1)[filterOrder[0]!]!])
  const attributes: Record<string, Attribute> = { kernel_shape: kernel, strides, dilations, pads, group }
  at.giveActivated(at.node('Conv', inputs, attributes), CHANNELS_FIRST, options.activation)
}

/** inputs: output shape, filter, picture, bias. The padding is that of the convolution it inverts. */
export function transposeConv(at: Operation): void {
  const options = at.options(TRANSPOSE_CONV)
  needRank(at, 1, 4)
  needRank(at, 2, 4)
  const kernel = spatial(at.shape(1))
  const strides = [options.strideH, options.strideW]
  needPositive(at, [...kernel, ...strides])
  const from = spatial(at.shape(2))
  const to = spatial(at.outputTensor().shape)
  // The output as the full overlap of all kernels, cut by the pads or, for a remainder, lengthened.
  const surplus = from.map((size, axis) => (size - 1) * strides[axis]! + kernel[axis]! - to[axis]!)
  const begin = surplus.map((size) => (options.padding === PADDING_SAME ? Math.max(0, size) >> 1 : 0))
  const end = surplus.map((size, axis) => Math.max(0, size) - begin[axis]!)
  const inputs = [at.real(2, CHANNELS_FIRST), filter(at, 1, OHWI_TO_IOHW)]
  if (at.has(3)) {
    inputs.push(bias(at, 3, 2, 1))
  }
  const name = at.node('ConvTranspose', inputs, {
    kernel_shape: kernel,
    strides,
    pads: [...begin, ...end],
    output_padding: surplus.map((size) => Math.max(0, -size)),
  })
  at.giveActivated(name, CHANNELS_FIRST, options.activation)
}

/** Weights: codes behind a DequantizeLinear in a quantized operator, widened at load time in a float one. */
export function filter(at: Operation, input: number, order: Order): string {
  const tensor = at.tensor(input)
  if (!at.isConstant(input)) {
    return at.real(input, order)
  }
  if (tensor.isSparse) {
    throw unsupported('sparse weights', 'Export the model without sparsity.')
  }
  if (!isQuantized(tensor) || !at.isCoded || tensor.type === 'int16') {
    return realConstant(at.graph, tensor, order)
  }
  const { scales, zeroPoints, axis } = tensor.quantization!
  const dims = scales.length === 1 ? [] : [scales.length]
  const shift = tensor.type === 'uint8' ? 0 : INT8_TO_UINT8
  return at.node(
    'DequantizeLinear',
    [
      codesConstant(at.graph, tensor, order),
      at.graph.float32(scales, dims),
      at.graph.uint8(
        zeroPoints.map((zero) => zero + shift),
        dims,
      ),
    ],
    dims.length === 0 ? {} : { axis: order.indexOf(axis) },
  )
}

/** Biases of quantized layers are int32 with the scale of input times filter. */
export function bias(at: Operation, input: number, data: number, weights: number): string {
  const tensor = at.tensor(input)
  if (tensor.type !== 'int32' && tensor.type !== 'int64') {
    return at.real(input)
  }
  const own = at.tensor(data).quantization?.scales[0]
  const filterScales = at.tensor(weights).quantization?.scales
  const bytes = tensor.data
  if (own === undefined || filterScales === undefined || bytes === undefined) {
    throw corrupt(`scales for the bias of ${at.operator.name}`, 'none')
  }
  const count = elementCount(tensor.shape)
  const scales = filterScales.map((scale) => Math.fround(own * scale))
  if (tensor.type === 'int32' && at.isCoded) {
    const dims = scales.length === 1 ? [] : [scales.length]
    const codes = at.graph.constant('int32', stored(tensor.shape, [0]), () => bytes.subarray(0, count * 4))
    return at.node(
      'DequantizeLinear',
      [
        codes,
        at.graph.float32(scales, dims),
        at.graph.int32(
          scales.map(() => 0),
          dims,
        ),
      ],
      dims.length === 0 ? {} : { axis: 0 },
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const value = (index: number): number =>
    tensor.type === 'int32' ? view.getInt32(index * 4, true) : Number(view.getBigInt64(index * 8, true))
  return at.graph.float32(
    Array.from({ length: count }, (_, index) => value(index) * (scales[index] ?? scales[0]!)),
  )
}
