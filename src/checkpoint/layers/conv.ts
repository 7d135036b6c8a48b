import type { Module } from '../module.ts'
import type { Network, Value } from '../network/network.ts'
import { activate } from './activation.ts'
import { convolve, type Filter, filterOf, type Geometry, withNorm } from './convolution.ts'

/** Convolution, batch norm and activation: the brick of all these networks. `bn` is gone from fused ones. */
export function conv(net: Network, x: Value, module: Module): Value {
  const filtered = net.within(module.path, () => convolve(net, x, foldedConv(module), module))
  return activated(net, filtered, module)
}

/** Convolution and batch norm as one filter, without the activation. */
export function foldedConv(module: Module): Filter & Geometry {
  module.use()
  const filter = filterOf(module.child('conv'))
  const norm = module.optional('bn')
  return norm === undefined ? filter : withNorm(filter, norm)
}

/** The activation of a module that keeps it as `act`. */
export function activated(net: Network, x: Value, module: Module): Value {
  return net.within(module.path, () => activate(net, x, module.child('act')))
}
