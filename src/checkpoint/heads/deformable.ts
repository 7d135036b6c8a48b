import { sampleAt } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import { type Network, product, type Value } from '../network/network.ts'

/** Tokens of several maps one after the other, with the sizes of the maps. */
export interface Memory {
  /** [1, tokens, channels] */
  tokens: Value
  /** Rows and columns of each map. */
  sizes: readonly (readonly [number, number])[]
}

/**
 * Attention that looks at a few places around each query's box instead of everywhere.
 *
 * queries  [1, n, channels]
 * boxes    [1, n, 4], centre and size as shares of the picture
 * source   Deformable DETR, https://arxiv.org/abs/2010.04159, section 4.1 and appendix A.3
 */
export function deformableAttention(
  net: Network,
  queries: Value,
  boxes: Value,
  memory: Memory,
  module: Module,
): Value {
  module.use()
  const [heads, levels, points] = ['n_heads', 'n_levels', 'n_points'].map((name) => module.count(name)) as [
    number,
    number,
    number,
  ]
  const [, count = 0, width = 0] = queries.shape
  if (levels !== memory.sizes.length || heads < 1 || width % heads !== 0) {
    throw module.unknown(`${memory.sizes.length} levels in ${heads} heads`, `${levels}`)
  }
  const value = linear(net, memory.tokens, module.child('value_proj'))
  const steps = net.reshape(linear(net, queries, module.child('sampling_offsets')), [
    count,
    heads,
    levels * points,
    2,
  ])
  const shares = net.softmax(
    net.reshape(linear(net, queries, module.child('attention_weights')), [count, heads, levels * points]),
    2,
  )
  const [centre, size] = net.split(net.reshape(boxes, [count, 1, 1, 4]), 3, [2, 2]) as [Value, Value]
  const moved = net.binary('Mul', net.mul(steps, size), net.scalar(0.5 / points))
  const places = net.binary('Sub', net.mul(net.binary('Add', moved, centre), net.scalar(2)), net.scalar(1))
  const byHead = net.transpose(places, [1, 0, 2, 3])
  const maps = net.split(
    value,
    1,
    memory.sizes.map((sizes) => product(sizes)),
  )
  const seen = maps.map((map, level) => {
    const [rows, columns] = memory.sizes[level]!
    const split = net.reshape(net.transpose(map, [0, 2, 1]), [heads, width / heads, rows, columns])
    return sampleAt(net, split, net.slice(byHead, 2, level * points, (level + 1) * points))
  })
  const weights = net.reshape(net.transpose(shares, [1, 0, 2]), [heads, 1, count, levels * points])
  const weighted = net.mul(net.concat(seen, 3), weights)
  const sum = net.node('ReduceSum', [weighted, net.ints([3])], [heads, width / heads, count], { keepdims: 0 })
  const joined = net.reshape(net.transpose(sum, [2, 0, 1]), [1, count, width])
  return linear(net, joined, module.child('output_proj'))
}
