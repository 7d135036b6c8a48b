import { conv } from '../layers/conv.ts'
import type { Module } from '../module.ts'
import { type Block, type Builder, only } from '../network/builder.ts'
import type { Value } from '../network/network.ts'

/** Bricks of one branch and a shortcut around it. */

const convBlock: Block = ({ net }, inputs, module) => conv(net, only(inputs, module), module)

/** `f(x)`, with the input added where the module says so. */
function residual(builder: Builder, x: Value, module: Module, y: Value): Value {
  return module.flag('add') ? builder.net.add(x, y) : y
}

const bottleneck: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  return residual(builder, x, module, builder.chain([module.child('cv1'), module.child('cv2')], x))
}

/** Half of the channels are made by a convolution, the other half of them by a cheap one. */
const ghostConv: Block = (builder, inputs, module) => {
  const y = builder.call(module.child('cv1'), only(inputs, module))
  return builder.net.concat([y, builder.call(module.child('cv2'), y)], 1)
}

const ghostBottleneck: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  return builder.net.add(builder.call(module.child('conv'), x), builder.call(module.child('shortcut'), x))
}

/** A wide bottleneck of depthwise filters (YOLOv10). */
const cib: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  return residual(builder, x, module, builder.call(module.child('cv1'), x))
}

const resNetBlock: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const y = builder.chain([module.child('cv1'), module.child('cv2'), module.child('cv3')], x)
  return builder.net.unary('Relu', builder.net.add(y, builder.call(module.child('shortcut'), x)))
}

const resNetLayer: Block = (builder, inputs, module) =>
  builder.call(module.child('layer'), only(inputs, module))

/** A pointwise convolution without activation, then a depthwise one. */
const lightConv: Block = (builder, inputs, module) =>
  builder.chain([module.child('conv1'), module.child('conv2')], only(inputs, module))

export const BOTTLENECKS = new Map<string, Block>([
  ['Conv', convBlock],
  ['DWConv', convBlock],
  ['Bottleneck', bottleneck],
  ['RepBottleneck', bottleneck],
  ['RepNBottleneck', bottleneck],
  ['GhostConv', ghostConv],
  ['GhostBottleneck', ghostBottleneck],
  ['CIB', cib],
  ['ResNetBlock', resNetBlock],
  ['ResNetLayer', resNetLayer],
  ['LightConv', lightConv],
])
