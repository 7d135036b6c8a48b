import type { Module } from '../module.ts'
import { misfit, type Network, type Value } from '../network/network.ts'
import { linear, projected } from './torch.ts'

/** Layers of transformers, over tokens as [1, tokens, channels]. */

export function layerNorm(net: Network, x: Value, module: Module): Value {
  module.use()
  const width = x.shape.at(-1) ?? 0
  const [weight, bias] = [module.tensor('weight'), module.tensor('bias')]
  if (module.name !== 'LayerNorm' || weight.shape.join() !== `${width}` || bias.shape.join() !== `${width}`) {
    throw module.unknown(`a LayerNorm of ${width} channels`, `${module.name} of [${weight.shape.join(', ')}]`)
  }
  const parts = [net.weight([width], () => weight.values()), net.weight([width], () => bias.values())]
  return net.node('LayerNormalization', [x, ...parts], x.shape, {
    axis: -1,
    epsilon: { float: module.number('eps') },
  })
}

/** A map [1, channels, height, width] as one token for each place, row by row. */
export function tokensOf(net: Network, map: Value): Value {
  const [batch = 1, channels = 1, height = 1, width = 1] = map.shape
  return net.transpose(net.reshape(map, [batch, channels, height * width]), [0, 2, 1])
}

/**
 * Attention with several heads. The projections of queries, keys and values lie in one tensor.
 *
 * source  Attention Is All You Need, https://arxiv.org/abs/1706.03762, section 3.2; `torch.nn.MultiheadAttention`
 */
export function multiheadAttention(
  net: Network,
  [queries, keys, values]: readonly [Value, Value, Value],
  module: Module,
): Value {
  module.use()
  const heads = module.count('num_heads')
  const width = queries.shape.at(-1) ?? 0
  const weight = module.tensor('in_proj_weight')
  const bias = module.tensor('in_proj_bias')
  if (
    module.name !== 'MultiheadAttention' ||
    weight.shape.join() !== `${3 * width},${width}` ||
    bias.shape.join() !== `${3 * width}` ||
    heads < 1 ||
    width % heads !== 0 ||
    module.attribute('add_zero_attn') === true
  ) {
    throw module.unknown(`attention over ${width} channels`, `[${weight.shape.join(', ')}] in ${heads} heads`)
  }
  const each = width / heads
  const split = (x: Value, part: number, perm: readonly number[]): Value => {
    const rows = projected(net, x, {
      shape: [width, width],
      weight: () => weight.values().slice(part * width * width, (part + 1) * width * width),
      bias: () => bias.values().slice(part * width, (part + 1) * width),
    })
    return net.transpose(net.reshape(rows, [1, rows.shape[1]!, heads, each]), perm)
  }
  const scale = net.scalar(1 / Math.sqrt(each))
  const similar = net.matmul(net.mul(split(queries, 0, [0, 2, 1, 3]), scale), split(keys, 1, [0, 2, 3, 1]))
  const mixed = net.matmul(net.softmax(similar, 3), split(values, 2, [0, 2, 1, 3]))
  const joined = net.reshape(net.transpose(mixed, [0, 2, 1, 3]), [1, queries.shape[1]!, width])
  return linear(net, joined, module.child('out_proj'))
}

/** The inverse of sigmoid, with both ends cut off at 1e-5, as DETR's decoders have it. */
export function logit(net: Network, x: Value): Value {
  const low = net.scalar(1e-5)
  const inside = net.node('Clip', [x, net.scalar(0), net.scalar(1)], x.shape)
  const rest = net.binary('Sub', net.scalar(1), inside)
  return net.unary('Log', net.binary('Div', net.binary('Max', inside, low), net.binary('Max', rest, low)))
}

/** Values [1, rows, columns] bilinearly read from a map, see `GridSample`; places outside it are zero. */
export function sampleAt(net: Network, map: Value, places: Value): Value {
  const [count = 1, channels = 1] = map.shape
  const [same, rows = 1, columns = 1, two] = places.shape
  if (same !== count || two !== 2) {
    throw misfit('places for each map', `[${places.shape.join(', ')}]`)
  }
  return net.node('GridSample', [map, places], [count, channels, rows, columns], {
    mode: 'bilinear',
    padding_mode: 'zeros',
    align_corners: 0,
  })
}
