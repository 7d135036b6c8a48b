import type { Module } from '../module.ts'
import { misfit, type Network, type Value } from '../network/network.ts'

/** A linear filter: what convolutions become, alone, with their batch norm, or several added up. */
export interface Filter {
  /** [outputs, inputs of a group, height, width], or [outputs, inputs] of a matrix. */
  shape: readonly number[]
  weight: () => Float32Array
  bias: (() => Float32Array) | undefined
}

export interface Geometry {
  stride: readonly [number, number]
  padding: readonly [number, number]
  dilation: readonly [number, number]
  groups: number
}

/** A Conv2d as a filter. */
export function filterOf(module: Module): Filter & Geometry {
  module.use()
  const weight = module.tensor('weight')
  const bias = module.optionalTensor('bias')
  const geometry = geometryOf(module)
  const [outputs = 0, , height, width] = weight.shape
  const kernel = module.pair('kernel_size')
  if (
    weight.shape.length !== 4 ||
    height !== kernel[0] ||
    width !== kernel[1] ||
    outputs % geometry.groups !== 0
  ) {
    throw module.unknown('a filter of the size that it states', `[${weight.shape.join(', ')}]`)
  }
  if (bias !== undefined && bias.shape.join() !== `${outputs}`) {
    throw module.unknown(`a bias of ${outputs} values`, `[${bias.shape.join(', ')}]`)
  }
  return {
    ...geometry,
    shape: weight.shape,
    weight: () => weight.values(),
    bias: bias === undefined ? undefined : () => bias.values(),
  }
}

export function geometryOf(module: Module): Geometry {
  if (module.attribute('padding_mode') !== undefined && module.attribute('padding_mode') !== 'zeros') {
    throw module.unknown('padding with zeros', 'another padding mode')
  }
  const geometry = {
    stride: module.pair('stride'),
    padding: module.pair('padding'),
    dilation: module.pair('dilation'),
    groups: module.count('groups'),
  }
  if (geometry.groups < 1 || [...geometry.stride, ...geometry.dilation].some((step) => step < 1)) {
    throw module.unknown('strides, dilations and groups from 1 on', '0')
  }
  return geometry
}

/**
 * A filter followed by the batch norm of `norm`, as one filter. The scale is taken in double precision; the
 * product is rounded once.
 *
 * cost  folded in single precision, a deep network drifts by several times the rounding of its own layers
 */
export function withNorm<F extends Filter>(filter: F, norm: Module): F {
  const outputs = filter.shape[0]!
  const { scale, shift } = normOf(norm, outputs)
  return {
    ...filter,
    weight: () => scaled(filter.weight(), scale()),
    bias: () => {
      const factors = scale()
      const before = filter.bias?.()
      return Float32Array.from(
        shift(factors),
        (value, i) => value + (before === undefined ? 0 : before[i]! * factors[i]!),
      )
    },
  }
}

/** Batch norm with the statistics of the training as a scale and a shift of each channel. */
export function normOf(norm: Module, channels: number) {
  norm.use()
  if (norm.name !== 'BatchNorm2d') {
    throw norm.unknown('a BatchNorm2d', norm.name)
  }
  const epsilon = norm.number('eps')
  const mean = norm.tensor('running_mean')
  const variance = norm.tensor('running_var')
  const weight = norm.optionalTensor('weight')
  const bias = norm.optionalTensor('bias')
  for (const tensor of [mean, variance, weight, bias]) {
    if (tensor !== undefined && tensor.shape.join() !== `${channels}`) {
      throw norm.unknown(`${channels} values of each statistic`, `[${tensor.shape.join(', ')}]`)
    }
  }
  const scale = (): Float64Array => {
    const factors = weight?.values()
    return Float64Array.from(
      variance.values(),
      (value, i) => (factors?.[i] ?? 1) / Math.sqrt(value + epsilon),
    )
  }
  const shift = (factors: Float64Array): Float64Array => {
    const offsets = bias?.values()
    return Float64Array.from(mean.values(), (value, i) => (offsets?.[i] ?? 0) - value * factors[i]!)
  }
  return { scale, shift }
}

/** Multiplies the filters of each output in place. */
function scaled(weight: Float32Array, scale: Float64Array): Float32Array {
  const each = weight.length / scale.length
  for (let output = 0, at = 0; output < scale.length; output++) {
    const factor = scale[output]!
    for (const end = at + each; at < end; at++) {
      weight[at]! *= factor
    }
  }
  return weight
}

/** Adds the convolution to the network. */
export function convolve(net: Network, x: Value, filter: Filter & Geometry, of: Module): Value {
  const [batch = 1, channels, height = 0, width = 0] = x.shape
  const [outputs = 0, inputs = 0, kernelHeight = 1, kernelWidth = 1] = filter.shape
  if (x.shape.length !== 4 || channels !== inputs * filter.groups) {
    throw of.unknown(`${inputs * filter.groups} channels`, `${channels}`)
  }
  const { stride, padding, dilation, groups } = filter
  const size = (edge: number, kernel: number, axis: 0 | 1) =>
    Math.floor((edge + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1) / stride[axis]) + 1
  const shape = [batch, outputs, size(height, kernelHeight, 0), size(width, kernelWidth, 1)]
  if (shape[2]! < 1 || shape[3]! < 1) {
    throw misfit('a picture large enough for all layers', `${height} rows and ${width} columns in ${of.path}`)
  }
  const parts = [net.weight(filter.shape, filter.weight)]
  if (filter.bias !== undefined) {
    parts.push(net.weight([outputs], filter.bias))
  }
  return net.node('Conv', [x, ...parts], shape, {
    dilations: dilation,
    group: groups,
    kernel_shape: [kernelHeight, kernelWidth],
    pads: [...padding, ...padding],
    strides: stride,
  })
}
