import { activate } from '../layers/activation.ts'
import { layerNorm, logit, multiheadAttention, tokensOf } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Network, Value } from '../network/network.ts'
import { deformableAttention, type Memory } from './deformable.ts'
import type { Head } from './head.ts'
import { gatherRows, top } from './top-rows.ts'

/**
 * The decoder of RT-DETR: the best places of all maps become queries, which six layers move onto objects.
 *
 * output  [1, queries, 4 + classes]: centre and size as shares of the picture, class scores after sigmoid. Since
 *         8.4 Ultralytics writes the best pairs of query and class instead; these are the rows they come from
 * source  RT-DETR, https://arxiv.org/abs/2304.08069
 * cost    the rows are shares, those of other heads pixels
 */
const rtdetr: Head = (builder, inputs, module) => {
  const { net } = builder
  const classes = module.count('nc')
  const memory = memoryOf(builder, inputs, module)
  const [embedding, start] = queriesOf(net, memory, module, classes)
  const decoder = module.child('decoder').use()
  const layers = decoder.child('layers').use().children()
  const last = decoder.count('eval_idx')
  const boxHeads = module.child('dec_bbox_head').use().children()
  const scoreHeads = module.child('dec_score_head').use().children()
  if (layers.length === 0 || last !== layers.length - 1 || boxHeads.length !== layers.length) {
    throw decoder.unknown('as many box heads as layers', `${boxHeads.length} and ${layers.length}`)
  }
  let [tokens, boxes] = [embedding, start]
  for (const [i, layer] of layers.entries()) {
    const places = mlp(net, boxes, module.child('query_pos_head'))
    tokens = decoderLayer(net, tokens, boxes, places, memory, layer)
    boxes = net.sigmoid(net.add(mlp(net, tokens, boxHeads[i]!), logit(net, boxes)))
  }
  const scores = net.sigmoid(linear(net, tokens, scoreHeads[last]!))
  const unused = scoreHeads.slice(0, last).map((_, i) => `dec_score_head.${i}`)
  return {
    outputs: [net.concat([boxes, scores], 2)],
    task: 'detect',
    strides: [COARSEST],
    kind: module.name,
    classes,
    exempt: ['denoising_class_embed', ...unused].map((name) => `${module.path}.${name}`),
  }
}

function memoryOf(builder: Builder, inputs: readonly Value[], module: Module): Memory {
  const { net } = builder
  const projections = module.child('input_proj').use().children()
  if (projections.length !== inputs.length) {
    throw module.unknown(`${projections.length} levels`, `${inputs.length}`)
  }
  const maps = projections.map((projection, i) => builder.call(projection, inputs[i]!))
  const sizes = maps.map(({ shape }) => [shape[2]!, shape[3]!] as const)
  const tokens = net.concat(
    maps.map((map) => tokensOf(net, map)),
    1,
  )
  return { tokens, sizes }
}

/** The best places as queries, [1, queries, channels], with a first box for each. */
function queriesOf(net: Network, memory: Memory, module: Module, classes: number): [Value, Value] {
  const count = module.count('num_queries')
  const total = memory.tokens.shape[1] ?? 0
  if (count < 1 || count > total) {
    throw module.unknown(`at most ${total} queries, the places of the picture`, `${count}`)
  }
  const { queries, boxes, scored } = bestPlaces(net, memory, module, count, mlp)
  if (scored !== classes) {
    throw module.unknown(`${classes} classes`, `${scored}`)
  }
  const learnt = module.attribute('learnt_init_query') === true ? module.child('tgt_embed') : undefined
  return [learnt === undefined ? queries : embedding(net, learnt, queries), boxes]
}

/**
 * The places with the best scores, [1, count, channels], and their first boxes, [1, count, 4].
 *
 * @param perceptron makes the boxes of `enc_bbox_head`
 * @returns `scored` is the number of classes that places are scored for
 */
export function bestPlaces(
  net: Network,
  { tokens, sizes }: Memory,
  module: Module,
  count: number,
  perceptron: (net: Network, x: Value, module: Module) => Value,
): { queries: Value; boxes: Value; scored: number | undefined } {
  const total = tokens.shape[1] ?? 0
  const { inside, starts } = anchorsOf(net, sizes, total)
  const [project, norm] = module.child('enc_output').use().children()
  if (project === undefined || norm === undefined) {
    throw module.unknown('a projection and a norm', 'other parts')
  }
  const features = layerNorm(net, linear(net, net.mul(tokens, inside), project), norm)
  const scores = linear(net, features, module.child('enc_score_head'))
  const best = net.node('ReduceMax', [scores], [1, total], { axes: [2], keepdims: 0 })
  const [, chosen] = top(net, best, count)
  const queries = gatherRows(net, features, chosen)
  const moved = net.add(
    perceptron(net, queries, module.child('enc_bbox_head')),
    gatherRows(net, starts, chosen),
  )
  return { queries, boxes: net.sigmoid(moved), scored: scores.shape[2] }
}

function embedding(net: Network, module: Module, like: Value): Value {
  const weight = module.use().tensor('weight')
  if (`1,${weight.shape.join()}` !== like.shape.join()) {
    throw module.unknown(`[${like.shape.slice(1).join(', ')}] values`, `[${weight.shape.join(', ')}]`)
  }
  return net.weight(like.shape, () => weight.values())
}

/** Pixels of a cell of the coarsest map; makers write it as the stride of the network. */
const COARSEST = 32
/** Boxes that places start from are a twentieth of the picture at the finest level, twice that at the next. */
const FIRST_SHARE = 0.05
/** Places whose box would begin this near to the border give no query. */
const MARGIN = 0.01

/** Of all places: 1 where a query may begin and 0 where not, and the logits of their first boxes. */
function anchorsOf(net: Network, sizes: Memory['sizes'], total: number) {
  const fill = (values: number, write: (at: number, box: readonly number[], isInside: boolean) => void) => {
    let token = 0
    for (const [level, [rows, columns]] of sizes.entries()) {
      const share = FIRST_SHARE * 2 ** level
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, token++) {
          const box = [(column + 0.5) / columns, (row + 0.5) / rows, share, share]
          const isInside = box.every((value) => value > MARGIN && value < 1 - MARGIN)
          write(token * values, box, isInside)
        }
      }
    }
  }
  return {
    inside: net.weight([1, total, 1], () => {
      const mask = new Float32Array(total)
      fill(1, (at, _, isInside) => {
        mask[at] = isInside ? 1 : 0
      })
      return mask
    }),
    starts: net.weight([1, total, 4], () => {
      const starts = new Float32Array(total * 4)
      fill(4, (at, box, isInside) => {
        starts.set(
          box.map((value) => (isInside ? Math.log(value / (1 - value)) : Number.POSITIVE_INFINITY)),
          at,
        )
      })
      return starts
    }),
  }
}

function decoderLayer(
  net: Network,
  tokens: Value,
  boxes: Value,
  places: Value,
  memory: Memory,
  module: Module,
): Value {
  module.use()
  for (const name of ['dropout1', 'dropout2', 'dropout3', 'dropout4']) {
    module.optional(name)?.use()
  }
  const marked = net.add(tokens, places)
  const among = multiheadAttention(net, [marked, marked, tokens], module.child('self_attn'))
  const first = layerNorm(net, net.add(tokens, among), module.child('norm1'))
  const seen = deformableAttention(net, net.add(first, places), boxes, memory, module.child('cross_attn'))
  const second = layerNorm(net, net.add(first, seen), module.child('norm2'))
  const hidden = activate(net, linear(net, second, module.child('linear1')), module.child('act'))
  const rest = linear(net, hidden, module.child('linear2'))
  return layerNorm(net, net.add(second, rest), module.child('norm3'))
}

/** Linear layers with an activation between them. */
function mlp(net: Network, x: Value, module: Module): Value {
  module.use()
  const layers = module.child('layers').use().children()
  const odd = ['residual', 'sigmoid'].some((name) => module.attribute(name) === true)
  const norm = module.optional('out_norm')
  if (layers.length === 0 || odd || (norm !== undefined && norm.use().name !== 'Identity')) {
    throw module.unknown('plain linear layers', 'a shortcut, a norm or a sigmoid')
  }
  let value = x
  for (const [i, layer] of layers.entries()) {
    value = linear(net, value, layer)
    if (i < layers.length - 1) {
      value = activate(net, value, module.child('act'))
    }
  }
  return value
}

export const TRANSFORMER_HEADS = new Map<string, Head>([['RTDETRDecoder', rtdetr]])
