import { logit } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Network, Value } from '../network/network.ts'
import { decoderLayer, memoryOf, perceptron, queriesOf } from './detr.ts'

/** Codes of the places of boxes are cut off here. */
const MOST_CODE = 10

/**
 * The decoder of D-FINE: queries as RT-DETR's; every layer refines how far the four sides of a first box move, as
 * distributions over uneven steps.
 *
 * source  D-FINE, https://arxiv.org/abs/2410.13842, section 4.1
 */
export function dfineDecoder(
  builder: Builder,
  maps: readonly Value[],
  module: Module,
): { rows: Value; classes: number; unused: string[] } {
  const { net } = builder
  const memory = memoryOf(builder, maps, module)
  const decoder = module.child('decoder').use()
  const parts = (of: Module, name: string) => of.child(name).use().children()
  const layers = parts(decoder, 'layers')
  const [boxHeads, scoreHeads, qualities] = [
    parts(module, 'dec_bbox_head'),
    parts(module, 'dec_score_head'),
    parts(decoder, 'lqe_layers'),
  ]
  const last = layers.length - 1
  const [scoreHead, quality] = [scoreHeads.at(-1), qualities.at(-1)]
  if (scoreHead === undefined || quality === undefined || boxHeads.length !== layers.length) {
    throw decoder.unknown(
      'a box head and scores for each layer',
      `${boxHeads.length} and ${scoreHeads.length}`,
    )
  }
  // The same numbers under a second name.
  decoder.optionalTensor('up')
  decoder.optionalTensor('reg_scale')
  const steps = stepsOf(module, boxHeads[0]!)
  let [tokens, boxes] = queriesOf(net, memory, module)
  let first: Value | undefined
  let [before, corners]: (Value | undefined)[] = []
  for (const [i, layer] of layers.entries()) {
    const codes = clipped(net, perceptron(net, boxes, module.child('query_pos_head')))
    tokens = decoderLayer(net, { tokens, boxes, codes }, memory, layer)
    first ??= net.sigmoid(net.add(perceptron(net, tokens, module.child('pre_bbox_head')), logit(net, boxes)))
    const change = perceptron(net, before === undefined ? tokens : net.add(tokens, before), boxHeads[i]!)
    corners = corners === undefined ? change : net.add(change, corners)
    boxes = movedBoxes(net, first, corners, steps)
    before = tokens
  }
  const doubt = certainty(net, corners!, steps.values.length, quality)
  const scores = net.sigmoid(net.binary('Add', linear(net, tokens, scoreHead), doubt))
  return {
    rows: net.concat([boxes, scores], 2),
    classes: scores.shape[2]!,
    unused: [
      'denoising_class_embed',
      ...Array.from({ length: last }, (_, i) => [`dec_score_head.${i}`, `decoder.lqe_layers.${i}`]).flat(),
    ],
  }
}

interface Steps {
  /** How far a side moves, in parts of `scale`. */
  values: Float32Array
  scale: number
}

/** Steps that grow from the middle to both ends, the last one twice as far as the bound. */
function stepsOf(module: Module, boxHead: Module): Steps {
  const [up, scale] = ['up', 'reg_scale'].map((name) => Math.abs(module.tensor(name).values()[0]!))
  const outputs = boxHead.child('layers').children().at(-1)?.tensor('weight').shape[0] ?? 0
  const half = outputs / 8 - 0.5
  if (!Number.isSafeInteger(half) || half < 2 || !(scale! > 0)) {
    throw boxHead.unknown('an odd number of steps for four sides', `${outputs} outputs`)
  }
  const bound = up! * scale!
  const base = (bound + 1) ** (1 / (half - 1))
  const rise = Array.from({ length: half - 1 }, (_, i) => base ** (i + 1) - 1)
  const side = [...rise, 2 * bound]
  return {
    values: Float32Array.from([...side.toReversed().map((value) => -value), 0, ...side]),
    scale: scale!,
  }
}

/** Boxes [1, n, 4] as centre and size: the sides of `first`, moved by the expectation of their distributions. */
function movedBoxes(net: Network, first: Value, corners: Value, { values, scale }: Steps): Value {
  const [, count = 0] = first.shape
  const bins = values.length
  const shares = net.softmax(net.reshape(corners, [1, count, 4, bins]), 3)
  const moves = net.reshape(
    net.matmul(
      shares,
      net.weight([bins, 1], () => values),
    ),
    [1, count, 4],
  )
  const [centre, size] = net.split(first, 2, [2, 2]) as [Value, Value]
  const [near, far] = net.split(moves, 2, [2, 2]) as [Value, Value]
  const unit = net.binary('Div', size, net.scalar(scale))
  const length = (part: Value) => net.mul(net.binary('Add', part, net.scalar(0.5 * scale)), unit)
  const [low, high] = [net.binary('Sub', centre, length(near)), net.add(centre, length(far))]
  const middle = net.binary('Div', net.add(low, high), net.scalar(2))
  return net.concat([middle, net.binary('Sub', high, low)], 2)
}

/** What the shape of the distributions adds to every score, [1, n, 1]: narrow ones are sure of their place. */
function certainty(net: Network, corners: Value, bins: number, module: Module): Value {
  const [, count = 0] = corners.shape
  const network = module.use().child('reg_conf')
  const inputs = network.child('layers').children()[0]?.tensor('weight').shape[1] ?? 0
  const best = inputs / 4 - 1
  if (!Number.isSafeInteger(best) || best < 1 || best > bins) {
    throw network.unknown('the best shares of four sides and their mean', `${inputs} inputs`)
  }
  const shares = net.softmax(net.reshape(corners, [1, count, 4, bins]), 3)
  const [largest] = net.graph.nodeOutputs(
    'TopK',
    [shares.name, net.ints([best])],
    { axis: 3, largest: 1, sorted: 1 },
    2,
  )
  const chosen: Value = { name: largest!, shape: [1, count, 4, best] }
  const mean = net.node('ReduceMean', [chosen], [1, count, 4, 1], { axes: [3], keepdims: 1 })
  return perceptron(net, net.reshape(net.concat([chosen, mean], 3), [1, count, inputs]), network)
}

const clipped = (net: Network, x: Value): Value =>
  net.node('Clip', [x, net.scalar(-MOST_CODE), net.scalar(MOST_CODE)], x.shape)
