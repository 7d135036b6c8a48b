import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { type Activate, convolved, spatialPools } from './blocks.ts'

/**
 * Darknet-53 and its pyramid, under the head of YOLOX ("YOLOX-Darknet53"): the maps of strides 8, 16 and 32.
 */
export function darknetPyramid(
  builder: Builder,
  picture: Value,
  module: Module,
  activate: Activate,
): Value[] {
  const { net } = builder
  const darknet = module.child('backbone').use()
  const stage = (name: string, x: Value) => stageOf(builder, x, darknet.child(name), activate)
  const chain = (name: string, x: Value) =>
    module
      .child(name)
      .use()
      .children()
      .reduce((value, part) => convolved(builder, value, part, activate), x)
  const narrowed = (name: string, x: Value) =>
    net.enlarge(convolved(builder, x, module.child(name), activate), 2)
  const fine = stage('dark3', stage('dark2', stage('stem', picture)))
  const middle = stage('dark4', fine)
  const coarse = stage('dark5', middle)
  const second = chain('out1', net.concat([narrowed('out1_cbl', coarse), middle], 1))
  return [chain('out2', net.concat([narrowed('out2_cbl', second), fine], 1)), second, coarse]
}

/** Filters, of which the last one before the shortcuts halves the size; shortcuts; in the last stage pools between filters. */
function stageOf(builder: Builder, x: Value, stage: Module, activate: Activate): Value {
  const parts = stage.use().children()
  const halving = parts.findIndex((part) => part.has('layer1')) - 1
  let y = x
  for (const [i, part] of parts.entries()) {
    y = part.has('layer1')
      ? residual(builder, y, part, activate)
      : part.has('conv')
        ? convolved(builder, y, part, activate, i === halving ? 2 : 1)
        : spatialPools(builder, y, part, activate)
  }
  return y
}

function residual(builder: Builder, x: Value, module: Module, activate: Activate): Value {
  const inner = convolved(builder, x, module.use().child('layer1'), activate)
  return builder.net.add(x, convolved(builder, inner, module.child('layer2'), activate))
}
