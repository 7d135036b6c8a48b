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
  const width = queries.shape[2] ?? 0
  if (levels !== memory.sizes.length || heads < 1 || width % heads !== 0) {
    throw module.unknown(`${memory.sizes.length} levels in ${heads} heads`, `${levels}`)
  }
  const value = linear(net, memory.tokens, module.child('value_proj'))
  const look: Look = { heads, points: Array<number>(levels).fill(points), sizes: memory.sizes }
  return linear(net, lookAround(net, queries, boxes, value, look, module), module.child('output_proj'))
}

/** Where attention looks. */
export interface Look {
  heads: number
  /** Places of each level. */
  points: readonly number[]
  sizes: Memory['sizes']
}

/**
 * The sum of what each head sees at its places, [1, n, channels]: the places are steps away from the middle of the
 * box, measured in halves of it.
 *
 * @param value what is seen, [1, tokens, channels]
 */
export function lookAround(
  net: Network,
  queries: Value,
  boxes: Value,
  value: Value,
  { heads, points, sizes }: Look,
  module: Module,
): Value {
  const [, count = 0, width = 0] = queries.shape
  const total = points.reduce((sum, each) => sum + each, 0)
  const steps = net.reshape(linear(net, queries, module.child('sampling_offsets')), [count, heads, total, 2])
  const shares = net.softmax(
    net.reshape(linear(net, queries, module.child('attention_weights')), [count, heads, total]),
    2,
  )
  const [centre, size] = net.split(net.reshape(boxes, [count, 1, 1, 4]), 3, [2, 2]) as [Value, Value]
  const halves = net.weight([1, 1, total, 1], () =>
    Float32Array.from(points.flatMap((each) => Array<number>(each).fill(0.5 / each))),
  )
  const moved = net.binary('Mul', net.mul(steps, size), halves)
  const places = net.binary('Sub', net.mul(net.binary('Add', moved, centre), net.scalar(2)), net.scalar(1))
  const byHead = net.split(net.transpose(places, [1, 0, 2, 3]), 2, points)
  const maps = net.split(
    value,
    1,
    sizes.map((edges) => product(edges)),
  )
  const seen = maps.map((map, level) => {
    const [rows, columns] = sizes[level]!
    const split = net.reshape(net.transpose(map, [0, 2, 1]), [heads, width / heads, rows, columns])
    return sampleAt(net, split, byHead[level]!)
  })
  const weights = net.reshape(net.transpose(shares, [1, 0, 2]), [heads, 1, count, total])
  const weighted = net.mul(net.concat(seen, 3), weights)
  const sum = net.node('ReduceSum', [weighted, net.ints([3])], [heads, width / heads, count], { keepdims: 0 })
  return net.reshape(net.transpose(sum, [2, 0, 1]), [1, count, width])
}
