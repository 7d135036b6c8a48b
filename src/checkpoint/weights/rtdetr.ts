import { logit } from '../layers/tokens.ts'
import { linear } from '../layers/torch.ts'
import { silu } from './blocks.ts'
import { decoderLayer, edgeOf, HEADS, memoryOf, perceptron, queriesOf, STRIDE, stridesOf } from './detr.ts'
import type { WeightFamily } from './family.ts'
import { hgnet } from './hgnet.ts'
import { hybridEncoder } from './hybrid-encoder.ts'
import { presnet } from './presnet.ts'

/**
 * RT-DETR and RT-DETRv2 of their authors' PyTorch repository, from their weights.
 *
 * output  [1, queries, 4 + classes]: centre and size as shares of the picture, class scores after sigmoid; pictures are
 *         RGB, 0–1, stretched. The maker's exporter writes the best pairs of query and class instead; these are the
 *         rows they come from
 * source  RT-DETR, https://arxiv.org/abs/2304.08069, and its repository (Apache-2.0)
 */
export const rtdetr: WeightFamily = {
  name: 'RTDETR',
  epsilon: 1e-5,
  heads: HEADS,
  holds: (weights) =>
    [
      'decoder.decoder.layers.0.cross_attn.value_proj.weight',
      'decoder.enc_score_head.weight',
      'encoder.lateral_convs.0.conv.weight',
    ].every((key) => weights.has(key)),
  stride: STRIDE,
  edge: edgeOf,
  assumptions: () => [
    'RT-DETR weights name no classes; 300 queries and an evaluation after the last layer are assumed, as in most of the published networks, and sampling between pixels: export networks of discrete sampling where they were trained.',
  ],
  build(builder, picture, root) {
    const { net } = builder
    const strides = stridesOf(root)
    const backbone = root.child('backbone')
    const maps = (backbone.has('stem') ? hgnet : presnet)(builder, picture, backbone, strides.length)
    const module = root.child('decoder').use()
    const encoded = hybridEncoder(builder, maps, root.child('encoder').use(), silu)
    const memory = memoryOf(builder, encoded, module)
    const layers = module.child('decoder').use().child('layers').use().children()
    const [boxHeads, scoreHeads] = ['dec_bbox_head', 'dec_score_head'].map((name) =>
      module.child(name).use().children(),
    )
    const scoreHead = scoreHeads!.at(-1)
    if (scoreHead === undefined || boxHeads!.length !== layers.length) {
      throw module.unknown('a box head for each layer', `${boxHeads!.length} for ${layers.length}`)
    }
    let [tokens, boxes] = queriesOf(net, memory, module)
    for (const [i, layer] of layers.entries()) {
      const codes = perceptron(net, boxes, module.child('query_pos_head'))
      tokens = decoderLayer(net, { tokens, boxes, codes }, memory, layer)
      boxes = net.sigmoid(net.add(perceptron(net, tokens, boxHeads![i]!), logit(net, boxes)))
    }
    const scores = net.sigmoid(linear(net, tokens, scoreHead))
    const unused = scoreHeads!.slice(0, -1).map((_, i) => `dec_score_head.${i}`)
    return {
      outputs: [net.concat([boxes, scores], 2)],
      task: 'detect',
      strides,
      kind: 'RTDETRTransformer',
      classes: scores.shape[2]!,
      exempt: ['denoising_class_embed', ...unused].map((name) => `${module.path}.${name}`),
    }
  },
}
