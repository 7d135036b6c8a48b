import type { Module } from '../module.ts'
import { type Block, type Library, only } from '../network/builder.ts'
import { type Network, product, type Value } from '../network/network.ts'
import { ACTIVATION_NAMES, activate } from './activation.ts'
import { convolve, type Filter, filterOf, geometryOf, normOf } from './convolution.ts'
import { averagePool, maxPool2d } from './pooling.ts'

/** A block that takes one input. */
const single =
  (work: (net: Network, x: Value, module: Module) => Value): Block =>
  ({ net }, inputs, module) =>
    work(net, only(inputs, module), module)

const convTranspose2d = single((net, x, module) => {
  const weight = module.tensor('weight')
  const bias = module.optionalTensor('bias')
  const { stride, padding, dilation, groups } = geometryOf(module)
  const [inputs = 0, outputs = 0, height = 0, width = 0] = weight.shape
  const [batch = 1, channels, rows = 0, columns = 0] = x.shape
  if (
    weight.shape.length !== 4 ||
    channels !== inputs ||
    module.pair('output_padding').some((size) => size > 0) ||
    dilation.some((step) => step !== 1) ||
    (bias !== undefined && bias.shape.join() !== `${outputs * groups}`)
  ) {
    throw module.unknown(`a plain filter for ${channels} channels`, `[${weight.shape.join(', ')}]`)
  }
  const shape = [
    batch,
    outputs * groups,
    (rows - 1) * stride[0] - 2 * padding[0] + height,
    (columns - 1) * stride[1] - 2 * padding[1] + width,
  ]
  const parts = [net.weight(weight.shape, () => weight.values())]
  if (bias !== undefined) {
    parts.push(net.weight(bias.shape, () => bias.values()))
  }
  return net.node('ConvTranspose', [x, ...parts], shape, {
    group: groups,
    kernel_shape: [height, width],
    pads: [...padding, ...padding],
    strides: stride,
  })
})

const batchNorm2d = single((net, x, module) => {
  const channels = x.shape[1] ?? 0
  const { scale, shift } = normOf(module, channels)
  const factors = net.weight([1, channels, 1, 1], () => Float32Array.from(scale()))
  const offsets = net.weight([1, channels, 1, 1], () => Float32Array.from(shift(scale())))
  return net.binary('Add', net.mul(x, factors), offsets)
})

const upsample = single((net, x, module) => {
  if (module.attribute('mode') !== 'nearest' || (module.attribute('size') ?? null) !== null) {
    throw module.unknown('enlarging to nearest neighbours by a factor', 'another way')
  }
  const factor = module.attribute('scale_factor')
  const factors = Array.isArray(factor) ? factor : [factor]
  if (factors.some((one) => one !== factors[0])) {
    throw module.unknown('one factor for both edges', 'two')
  }
  return net.enlarge(x, typeof factors[0] === 'number' ? factors[0] : 0)
})

const zeroPad2d = single((net, x, module) => {
  const padding = module.attribute('padding')
  const [left, right, top, bottom] = Array.isArray(padding) ? padding : [padding, padding, padding, padding]
  if (![left, right, top, bottom].every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw module.unknown('four paddings', 'other values')
  }
  return pad(net, x, [top, left, bottom, right] as [number, number, number, number])
})

/**
 * Zeros around a picture: top, left, bottom, right.
 *
 * Joined on, as ONNX Runtime (1.30) merges a Pad into the MaxPool behind it, where zeros become minus infinity:
 * half a pixel in every box of YOLOv3-tiny.
 */
export function pad(net: Network, x: Value, sides: readonly [number, number, number, number]): Value {
  const [top, left, bottom, right] = sides
  return beside(net, beside(net, x, 2, top, bottom), 3, left, right)
}

function beside(net: Network, x: Value, axis: number, before: number, after: number): Value {
  const zeros = (size: number): Value[] => {
    const shape = x.shape.with(axis, size)
    return size === 0 ? [] : [net.weight(shape, () => new Float32Array(product(shape)))]
  }
  return net.concat([...zeros(before), x, ...zeros(after)], axis)
}

const adaptiveAvgPool2d = single((net, x, module) => {
  const size = module.attribute('output_size')
  const sizes = Array.isArray(size) ? size : [size]
  if (x.shape.length !== 4 || sizes.some((edge) => edge !== 1)) {
    throw module.unknown('a pool to one value', 'another size')
  }
  return net.node('GlobalAveragePool', [x], [x.shape[0]!, x.shape[1]!, 1, 1])
})

const avgPool2d = single((net, x, module) => {
  const divisor = module.attribute('divisor_override') ?? null
  if (
    module.attribute('ceil_mode') === true ||
    module.attribute('count_include_pad') === false ||
    divisor !== null
  ) {
    throw module.unknown('a plain AvgPool2d', 'one that counts otherwise')
  }
  return averagePool(net, x, {
    kernel: module.pair('kernel_size'),
    stride: module.pair('stride'),
    padding: module.pair('padding'),
  })
})

/** Rows of [.., inputs] by the weight [outputs, inputs]. */
export function linear(net: Network, x: Value, module: Module): Value {
  module.use()
  const weight = module.tensor('weight')
  const bias = module.optionalTensor('bias')
  const [outputs = 0, inputs = 0] = weight.shape
  if (weight.shape.length !== 2 || x.shape.at(-1) !== inputs) {
    throw module.unknown(`${inputs} values`, `${x.shape.at(-1)}`)
  }
  if (bias !== undefined && bias.shape.join() !== `${outputs}`) {
    throw module.unknown(`a bias of ${outputs} values`, `[${bias.shape.join(', ')}]`)
  }
  return projected(net, x, {
    shape: [outputs, inputs],
    weight: () => weight.values(),
    bias: bias === undefined ? undefined : () => bias.values(),
  })
}

/** The matrix product behind `linear`, of a weight [outputs, inputs] from wherever. */
export function projected(net: Network, x: Value, { shape, weight, bias }: Filter): Value {
  const [outputs = 0, inputs = 0] = shape
  const product = net.matmul(
    x,
    net.weight([inputs, outputs], () => transposed(weight(), outputs, inputs)),
  )
  return bias === undefined ? product : net.binary('Add', product, net.weight([outputs], bias))
}

/** A matrix of `rows` by `columns` with its axes exchanged. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = values[row * columns + column]!
    }
  }
  return out
}

const passThrough = single((_, x) => x)

/** Classes of `torch.nn`; activations are looked up where they are kept. */
export const torch: Library = {
  holds: (type) => type.startsWith('torch.nn.'),
  blocks: new Map<string, Block>([
    ['Sequential', (builder, inputs, module) => builder.chain(module.children(), only(inputs, module))],
    ['Conv2d', single((net, x, module) => convolve(net, x, filterOf(module), module))],
    ['ConvTranspose2d', convTranspose2d],
    ['BatchNorm2d', batchNorm2d],
    ['Linear', single(linear)],
    ['MaxPool2d', single(maxPool2d)],
    ['AvgPool2d', avgPool2d],
    ['AdaptiveAvgPool2d', adaptiveAvgPool2d],
    ['Upsample', upsample],
    ['ZeroPad2d', zeroPad2d],
    ['Dropout', passThrough],
    ['Dropout2d', passThrough],
    ...ACTIVATION_NAMES.map((name) => [name, single(activate)] as const),
  ]),
}
