import { averagePool, maxPool } from '../layers/pooling.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { linearly, relu } from './blocks.ts'
import { normed } from './hybrid-encoder.ts'

/**
 * ResNet-D under RT-DETR: the maps of its last stages, the coarsest of stride 32.
 *
 * source  ResNet-D, https://arxiv.org/abs/1812.01187, with the names of RT-DETR's repository (Apache-2.0)
 */
export function presnet(builder: Builder, picture: Value, module: Module, levels: number): Value[] {
  let x = picture
  for (const [i, part] of module.use().child('conv1').use().children().entries()) {
    x = normed(builder, x, part, relu, i === 0 ? 2 : 1)
  }
  x = maxPool(builder.net, x, { kernel: [3, 3], stride: [2, 2], padding: [1, 1] })
  const maps = module
    .child('res_layers')
    .use()
    .children()
    .map((stage, at) => {
      for (const [i, part] of stage.use().child('blocks').use().children().entries()) {
        x = residual(builder, x, part.use(), i === 0 && at > 0 ? 2 : 1)
      }
      return x
    })
  return maps.slice(-levels)
}

/** Two filters, or three of which the middle one halves the size; the shortcut is pooled before its filter. */
function residual(builder: Builder, x: Value, module: Module, stride: 1 | 2): Value {
  const { net } = builder
  const isNarrow = module.has('branch2c')
  const one = (name: string, value: Value, last: boolean, step: 1 | 2) =>
    normed(builder, value, module.child(name), last ? linearly : relu, step)
  const first = one('branch2a', x, false, isNarrow ? 1 : stride)
  const second = one('branch2b', first, !isNarrow, isNarrow ? stride : 1)
  const inner = isNarrow ? one('branch2c', second, true, 1) : second
  const short = module.optional('short')
  return net.unary('Relu', net.add(inner, short === undefined ? x : shortcut(builder, x, short, stride)))
}

function shortcut(builder: Builder, x: Value, module: Module, stride: 1 | 2): Value {
  const inner = module.child('conv')
  if (!inner.has('conv')) {
    return normed(builder, x, module, linearly, stride)
  }
  module.use()
  const pooled = averagePool(builder.net, x, { kernel: [2, 2], stride: [stride, stride], padding: [0, 0] })
  return normed(builder, pooled, inner, linearly)
}
