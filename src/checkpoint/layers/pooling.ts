import type { Module } from '../module.ts'
import { misfit, type Network, type Value } from '../network/network.ts'

export interface Window {
  kernel: readonly [number, number]
  stride: readonly [number, number]
  padding: readonly [number, number]
  /** HGStem: the last window may begin inside and end outside. */
  ceil?: boolean
}

export function maxPool(net: Network, x: Value, window: Window): Value {
  return net.node('MaxPool', [x], pooled(x, window), attributesOf(window))
}

/** The padding counts as zeros, as PyTorch has it. */
export function averagePool(net: Network, x: Value, window: Window): Value {
  return net.node('AveragePool', [x], pooled(x, window), { ...attributesOf(window), count_include_pad: 1 })
}

const attributesOf = ({ kernel, stride, padding, ceil }: Window) => ({
  kernel_shape: kernel,
  strides: stride,
  pads: [...padding, ...padding],
  ...(ceil === true ? { ceil_mode: 1 } : {}),
})

function pooled({ shape }: Value, { kernel, stride, padding, ceil }: Window): number[] {
  const [batch = 1, channels = 1, height = 0, width = 0] = shape
  const size = (edge: number, axis: 0 | 1) => {
    const steps = (edge + 2 * padding[axis] - kernel[axis]) / stride[axis]
    return (ceil === true ? Math.ceil(steps) : Math.floor(steps)) + 1
  }
  const sizes = [size(height, 0), size(width, 1)]
  if (shape.length !== 4 || sizes.some((edge) => edge < 1)) {
    throw misfit('a picture large enough for its pools', `[${shape.join(', ')}]`)
  }
  return [batch, channels, ...sizes]
}

/** A MaxPool2d of the tree. */
export function maxPool2d(net: Network, x: Value, module: Module): Value {
  module.use()
  const dilation = module.pair('dilation')
  if (dilation.some((step) => step !== 1) || module.attribute('return_indices') === true) {
    throw module.unknown('a plain MaxPool2d', 'one with dilation or indices')
  }
  return maxPool(net, x, {
    kernel: module.pair('kernel_size'),
    stride: module.pair('stride'),
    padding: module.pair('padding'),
    ceil: module.attribute('ceil_mode') === true,
  })
}
