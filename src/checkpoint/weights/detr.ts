import { type Look, lookAround, type Memory } from '../heads/deformable.ts'
import { bestPlaces } from '../heads/rtdetr.ts'
import { layerNorm, multiheadAttention, tokensOf } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Network, Value } from '../network/network.ts'
import { linearly } from './blocks.ts'
import { normed } from './hybrid-encoder.ts'

/** What the decoders of RT-DETR and D-FINE share, by the names of their repositories. */

/** Heads of all published networks; no shape tells them apart from the width of each. */
export const HEADS = 8
const QUERIES = 300
/** Pixels of a cell at the coarsest level; each finer one has half as many. */
export const STRIDE = 32
const EDGE = 640

export const stridesOf = (root: Module): number[] => {
  const levels = root.child('encoder').child('input_proj').children().length
  return Array.from({ length: levels }, (_, i) => STRIDE / 2 ** (levels - 1 - i))
}

/** The edge of a square picture with as many places as the file keeps anchors. */
export function edgeOf(root: Module): number {
  const places = root.child('decoder').optionalTensor('anchors')?.shape[1] ?? 0
  const edge = Math.sqrt(places / stridesOf(root).reduce((sum, stride) => sum + stride ** -2, 0))
  return edge > 0 && edge % STRIDE === 0 ? edge : EDGE
}

export function memoryOf(builder: Builder, maps: readonly Value[], module: Module): Memory {
  const { net } = builder
  // Kept for the size of the training; they are made anew for the size that is asked for.
  module.optionalTensor('anchors')
  module.optionalTensor('valid_mask')
  const projections = module.optional('input_proj')?.use().children()
  if (projections !== undefined && projections.length !== maps.length) {
    throw module.unknown(`${maps.length} projections`, `${projections.length}`)
  }
  const projected = maps.map((map, i) =>
    projections === undefined ? map : normed(builder, map, projections[i]!, linearly),
  )
  return {
    tokens: net.concat(
      projected.map((map) => tokensOf(net, map)),
      1,
    ),
    sizes: projected.map(({ shape }) => [shape[2]!, shape[3]!] as const),
  }
}

/** The best places as queries, and their first boxes. */
export function queriesOf(net: Network, memory: Memory, module: Module): [Value, Value] {
  // A picture of fewer places makes a query of each.
  const count = Math.min(QUERIES, memory.tokens.shape[1]!)
  const { queries, boxes } = bestPlaces(net, memory, module, count, perceptron)
  return [queries, boxes]
}

/**
 * One layer: queries look at each other, then at the maps around their boxes.
 *
 * @param codes of the places of the boxes, [1, n, channels]
 */
export function decoderLayer(
  net: Network,
  { tokens, boxes, codes }: { tokens: Value; boxes: Value; codes: Value },
  memory: Memory,
  module: Module,
): Value {
  module.use()
  const marked = net.add(tokens, codes)
  const among = multiheadAttention(net, [marked, marked, tokens], module.child('self_attn'))
  const first = layerNorm(net, net.add(tokens, among), module.child('norm1'))
  const seen = crossAttention(net, net.add(first, codes), boxes, memory, module.child('cross_attn').use())
  const gate = module.optional('gateway')
  const second =
    gate === undefined
      ? layerNorm(net, net.add(first, seen), module.child('norm2'))
      : gated(net, first, seen, gate.use())
  const hidden = net.unary('Relu', linear(net, second, module.child('linear1')))
  return layerNorm(net, net.add(second, linear(net, hidden, module.child('linear2'))), module.child('norm3'))
}

/** RT-DETR projects what is seen before and after, D-FINE does not. */
function crossAttention(net: Network, queries: Value, boxes: Value, memory: Memory, module: Module): Value {
  const [before, after] = [module.optional('value_proj'), module.optional('output_proj')]
  const { tokens, sizes } = memory
  const look: Look = { heads: HEADS, points: pointsOf(module, sizes.length), sizes }
  const value = before === undefined ? tokens : linear(net, tokens, before)
  const seen = lookAround(net, queries, boxes, value, look, module)
  return after === undefined ? seen : linear(net, seen, after)
}

/** Places of each level. Newer files keep one part of each place, 1 / n for each of n; older ones have equal numbers. */
function pointsOf(module: Module, levels: number): number[] {
  const offsets = module.child('sampling_offsets')
  const places = offsets.tensor('bias').elements / 2 / HEADS
  const shares = module.optionalTensor('num_points_scale')?.values()
  const points: number[] = []
  for (let at = 0; shares !== undefined && at < shares.length && points.length < levels; ) {
    const each = Math.max(1, Math.round(1 / shares[at]!))
    points.push(each)
    at += each
  }
  if (shares === undefined) {
    points.push(...Array<number>(levels).fill(places / levels))
  }
  const total = points.reduce((sum, each) => sum + each, 0)
  if (points.length !== levels || total !== places || !points.every(Number.isSafeInteger)) {
    throw module.unknown(`places at ${levels} levels for ${HEADS} heads`, `${places} places`)
  }
  if (
    offsets
      .tensor('weight')
      .values()
      .every((value) => value === 0)
  ) {
    throw module.unknown('places that queries choose', 'fixed ones, of discrete sampling')
  }
  return points
}

/** A learnt mixture of what a query was and what it saw. */
function gated(net: Network, was: Value, saw: Value, module: Module): Value {
  const gates = net.sigmoid(linear(net, net.concat([was, saw], 2), module.child('gate')))
  const width = was.shape[2]!
  const [one, other] = net.split(gates, 2, [width, width]) as [Value, Value]
  return layerNorm(net, net.add(net.mul(one, was), net.mul(other, saw)), module.child('norm'))
}

/** Linear layers with ReLU between them. */
export function perceptron(net: Network, x: Value, module: Module): Value {
  const layers = module.use().child('layers').use().children()
  return layers.reduce((value, layer, i) => {
    const y = linear(net, value, layer)
    return i < layers.length - 1 ? net.unary('Relu', y) : y
  }, x)
}
