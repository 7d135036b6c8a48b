import { linearly } from './blocks.ts'
import { edgeOf, HEADS, STRIDE, stridesOf } from './detr.ts'
import { dfineDecoder } from './dfine-decoder.ts'
import type { WeightFamily } from './family.ts'
import { hgnet } from './hgnet.ts'
import { hybridEncoder } from './hybrid-encoder.ts'

/**
 * D-FINE from its weights: depth, width, levels and classes follow from names and shapes.
 *
 * output  [1, queries, 4 + classes]: centre and size as shares of the picture, class scores after sigmoid; pictures are
 *         RGB, 0–1, stretched. The maker's exporter writes the best pairs of query and class instead; these are the
 *         rows they come from
 * source  D-FINE, https://arxiv.org/abs/2410.13842, and its repository (Apache-2.0)
 */
export const dfine: WeightFamily = {
  name: 'DFINE',
  epsilon: 1e-5,
  heads: HEADS,
  holds: (weights) =>
    ['backbone.stem.stem1.conv.weight', 'decoder.reg_scale', 'decoder.pre_bbox_head.layers.0.weight'].every(
      (key) => weights.has(key),
    ),
  stride: STRIDE,
  edge: edgeOf,
  assumptions: () => [
    'D-FINE weights name no classes; 300 queries and an evaluation after the last layer are assumed, as in the published networks. Weights of DEIM bear the same names and want another activation: export those with DEIM.',
  ],
  build(builder, picture, root) {
    const strides = stridesOf(root)
    const maps = hgnet(builder, picture, root.child('backbone'), strides.length)
    const encoded = hybridEncoder(builder, maps, root.child('encoder').use(), linearly)
    const decoder = root.child('decoder').use()
    const { rows, classes, unused } = dfineDecoder(builder, encoded, decoder)
    return {
      outputs: [rows],
      task: 'detect',
      strides,
      kind: 'DFINETransformer',
      classes,
      exempt: unused.map((name) => `${decoder.path}.${name}`),
    }
  },
}
