import { summed } from '../blocks/reparametrized.ts'
import { placeCodes } from '../blocks/transformer.ts'
import { exactGelu } from '../layers/activation.ts'
import { convolve, type Filter, filterOf, type Geometry, withNorm } from '../layers/convolution.ts'
import { layerNorm, multiheadAttention, tokensOf } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { type Activate, filtered, linearly, silu } from './blocks.ts'

/**
 * The encoder of RT-DETR and D-FINE: attention over the coarsest map, then a pyramid down and up again.
 *
 * @param lateral what follows the filters on the way down, which no shape tells
 * source  RT-DETR, https://arxiv.org/abs/2304.08069, section 4; D-FINE, https://arxiv.org/abs/2410.13842, section 4.3
 */
export function hybridEncoder(
  builder: Builder,
  maps: readonly Value[],
  module: Module,
  lateral: Activate,
): Value[] {
  const { net } = builder
  const parts = (name: string) => module.child(name).use().children()
  const projected = parts('input_proj').map((part, i) => normed(builder, maps[i]!, part, linearly))
  const transformers = parts('encoder')
  if (projected.length !== maps.length || transformers.length > 1) {
    throw module.unknown('a projection of each map and one transformer', 'other parts')
  }
  for (const transformer of transformers) {
    projected[maps.length - 1] = attended(builder, projected.at(-1)!, transformer.use())
  }
  const [narrowing, down, halving, up] = [
    parts('lateral_convs'),
    parts('fpn_blocks'),
    parts('downsample_convs'),
    parts('pan_blocks'),
  ]
  const inner = [projected.at(-1)!]
  for (const [i, part] of narrowing.entries()) {
    const narrow = normed(builder, inner[0]!, part, lateral)
    inner[0] = narrow
    const joined = net.concat([net.enlarge(narrow, 2), projected[maps.length - 2 - i]!], 1)
    inner.unshift(stage(builder, joined, down[i]!))
  }
  const results = [inner[0]!]
  for (const [i, part] of halving.entries()) {
    const half = halved(builder, results.at(-1)!, part.use())
    results.push(stage(builder, net.concat([half, inner[i + 1]!], 1), up[i]!))
  }
  return results
}

/** RT-DETR halves by one filter, D-FINE by one over the channels and one on each of them. */
function halved(builder: Builder, x: Value, module: Module): Value {
  if (module.has('conv')) {
    return normed(builder, x, module, silu, 2)
  }
  const inner = module.child('0').use()
  return normed(builder, normed(builder, x, inner.child('cv1'), linearly), inner.child('cv2'), linearly, 2)
}

const stage = (builder: Builder, x: Value, module: Module): Value =>
  module.has('cv1') ? elan(builder, x, module) : csp(builder, x, module)

/** A filter and the norm behind it, by whatever names. */
function filterWithNorm(module: Module): Filter & Geometry {
  module.use()
  const [filter, norm] = module.children()
  if (filter === undefined || norm === undefined) {
    throw module.unknown('a filter and its norm', 'other parts')
  }
  return withNorm(filterOf(filter), norm)
}

/** The same with an activation. */
export function normed(
  builder: Builder,
  x: Value,
  module: Module,
  activate: Activate,
  stride: 1 | 2 = 1,
): Value {
  return filtered(builder, x, module, filterWithNorm, activate, stride)
}

/** Transformer layers over the places of one map, norms behind the shortcuts. */
function attended({ net }: Builder, map: Value, module: Module): Value {
  const [, channels = 0, height = 0, width = 0] = map.shape
  if (channels % 4 !== 0) {
    throw module.unknown('channels in four parts', `${channels}`)
  }
  let tokens = tokensOf(net, map)
  for (const layer of module.child('layers').use().children()) {
    layer.use()
    const places = net.weight(tokens.shape, () => placeCodes(height, width, channels))
    const marked = net.add(tokens, places)
    const seen = multiheadAttention(net, [marked, marked, tokens], layer.child('self_attn'))
    const first = layerNorm(net, net.add(tokens, seen), layer.child('norm1'))
    const hidden = exactGelu(net, linear(net, first, layer.child('linear1')))
    const rest = linear(net, hidden, layer.child('linear2'))
    tokens = layerNorm(net, net.add(first, rest), layer.child('norm2'))
  }
  return net.reshape(net.transpose(tokens, [0, 2, 1]), map.shape)
}

/** Two long branches after a split, joined (RepNCSPELAN4 of D-FINE). */
function elan(builder: Builder, x: Value, module: Module): Value {
  const { net } = builder
  module.use()
  const first = normed(builder, x, module.child('cv1'), silu)
  const half = first.shape[1]! / 2
  const parts = net.split(first, 1, [half, half])
  for (const name of ['cv2', 'cv3']) {
    const [stage, filter] = module.child(name).use().children() as [Module, Module]
    parts.push(normed(builder, csp(builder, parts.at(-1)!, stage), filter, silu))
  }
  return normed(builder, net.concat(parts, 1), module.child('cv4'), silu)
}

/** Two projections, filters on the first, added. */
function csp(builder: Builder, x: Value, module: Module): Value {
  const { net } = builder
  module.use()
  let y = normed(builder, x, module.child('conv1'), silu)
  for (const part of module.child('bottlenecks').use().children()) {
    part.use()
    const filter = summed(filterWithNorm(part.child('conv1')), [filterWithNorm(part.child('conv2'))])
    y = silu(builder, convolve(net, y, filter, part))
  }
  const sum = net.add(y, normed(builder, x, module.child('conv2'), silu))
  const last = module.optional('conv3')
  return last === undefined ? sum : normed(builder, sum, last, silu)
}
