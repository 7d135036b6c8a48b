import { foldedConv } from '../layers/conv.ts'
import { convolve, type Filter, type Geometry } from '../layers/convolution.ts'
import { maxPool } from '../layers/pooling.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'

/** Bricks of networks that are built from their weights alone: what a class would say is said by who calls. */

/** What follows a filter: the published networks have SiLU, the one on Darknet-53 a leaky ReLU. */
export type Activate = (builder: Builder, x: Value) => Value

export const silu: Activate = ({ net }, x) => net.mul(x, net.sigmoid(x))
export const relu: Activate = ({ net }, x) => net.unary('Relu', x)
export const linearly: Activate = (_, x) => x
export const leaky: Activate = ({ net }, x) => net.unary('LeakyRelu', x, { alpha: { float: 0.1 } })

/** A filter with its norm and activation. */
export function convolved(
  builder: Builder,
  x: Value,
  module: Module,
  activate: Activate,
  stride: 1 | 2 = 1,
): Value {
  return filtered(builder, x, module, foldedConv, activate, stride)
}

/** @param filterOf reads filter and norm from the module */
export function filtered(
  builder: Builder,
  x: Value,
  module: Module,
  filterOf: (module: Module) => Filter & Geometry,
  activate: Activate,
  stride: 1 | 2,
): Value {
  const { net } = builder
  return net.within(module.path, () =>
    activate(builder, convolve(net, x, { ...filterOf(module), stride: [stride, stride] }, module)),
  )
}

/** The same, or in the smallest network a filter on each channel and one on each place. */
export function separable(
  builder: Builder,
  x: Value,
  module: Module,
  activate: Activate,
  stride: 1 | 2 = 1,
): Value {
  if (!module.has('dconv')) {
    return convolved(builder, x, module, activate, stride)
  }
  module.use()
  const deep = convolved(builder, x, module.child('dconv'), activate, stride)
  return convolved(builder, deep, module.child('pconv'), activate)
}

const POOLS = [5, 9, 13]

export function spatialPools(builder: Builder, x: Value, module: Module, activate: Activate): Value {
  const y = convolved(builder, x, module.use().child('conv1'), activate)
  const pooled = POOLS.map((edge) =>
    maxPool(builder.net, y, {
      kernel: [edge, edge],
      stride: [1, 1],
      padding: [(edge - 1) / 2, (edge - 1) / 2],
    }),
  )
  return convolved(builder, builder.net.concat([y, ...pooled], 1), module.child('conv2'), activate)
}
