import type { ModelSignature } from '../../model/signature.ts'
import { outputNamed } from '../heads/describe.ts'
import { PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { tailOf } from '../heads/shapes.ts'

/** `num_queries` of DETR and YOLOS, which use softmax; the σ models have 300 and more. */
const SOFTMAX_QUERIES = 100

/** Short edge 800, long edge at most 1,333: DETR, Deformable and Conditional DETR. */
const SHORT_EDGE: Preprocess = {
  ...PREPROCESS.rgbImageNetStretch,
  geometry: {
    fit: 'shortest-edge',
    align: 'top-left',
    pad: [0, 0, 0],
    rounding: 'floor',
    resample: 'bilinear',
    longestEdge: 1333,
  },
  size: { width: 800, height: 800 },
}

/** One of the DETRs: what becomes of its logits, and how it sees a picture. */
export interface Variant {
  activation: 'sigmoid' | 'softmax'
  reason: string
  certain: boolean
  preprocess: Preprocess
  input: string
  inputReason: string
  inputConfidence: number
}

/**
 * Which of the DETRs it is. 92 logits are the 91 ids of COCO and "nothing"; a pixel mask is an input of models
 * that take pictures of any aspect; deformable attention samples with GridSample.
 */
export function variantOf(
  signature: ModelSignature,
  queries: number | undefined,
  classes: number | undefined,
): Variant {
  const takesMask = signature.inputs.some(({ name }) => /pixel_mask/i.test(name))
  const refined = refinement(signature)
  const isSoftmax = refined === undefined ? classes === 92 || queries === SOFTMAX_QUERIES : refined === 'none'
  const activation = isSoftmax ? 'softmax' : 'sigmoid'
  const reason =
    refined !== undefined
      ? isSoftmax
        ? 'boxes come straight from a sigmoid, as in DETR and YOLOS'
        : 'boxes are refined from reference points, as in all DETRs that use a sigmoid'
      : isSoftmax
        ? classes === 92
          ? '92 logits are the ids of COCO and one for "nothing"'
          : `${queries} queries are those of DETR and YOLOS`
        : classes === 80 || classes === 91
          ? `${classes} logits leave no class for "nothing"`
          : 'most DETRs since Deformable DETR use it'
  const certain = refined !== undefined || classes === 92 || classes === 80
  const isConditional = refined === 'points' && (signature.ops.GridSample ?? 0) === 0
  if (isSoftmax || takesMask || isConditional) {
    return {
      activation,
      reason,
      certain,
      preprocess: SHORT_EDGE,
      input: 'RGB with ImageNet mean and deviation, short edge 800, long edge at most 1,333',
      inputReason: takesMask
        ? 'the file takes a pixel mask'
        : isConditional
          ? 'Conditional DETR is trained so'
          : 'DETR and YOLOS are trained so',
      inputConfidence: 0.8,
    }
  }
  // RF-DETR keeps COCO's own 91 ids and ImageNet statistics, RT-DETR and D-FINE 80 and plain 0–1.
  const isRfDetr = classes === 91
  return {
    activation,
    reason,
    certain,
    preprocess: isRfDetr
      ? { ...PREPROCESS.rgbImageNetStretch, size: { width: 560, height: 560 } }
      : PREPROCESS.rgbUnitStretch,
    input: isRfDetr ? 'RGB with ImageNet mean and deviation, stretched' : 'RGB scaled to 0–1, stretched',
    inputReason: isRfDetr
      ? '91 logits without a pixel mask are an RF-DETR'
      : 'RT-DETR and D-FINE are trained so; RF-DETR, of the same outputs, wants ImageNet mean and deviation',
    inputConfidence: classes === 80 || isRfDetr ? 0.8 : 0.6,
  }
}

/** Operators that may stand between the box layer and a box that nothing refines. */
const PLAIN_BOX_OPS = new Set([
  'Sigmoid',
  'Add',
  'Identity',
  'Cast',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Gather',
  'Slice',
  'Transpose',
  'QuantizeLinear',
  'DequantizeLinear',
])

/**
 * How the boxes are made, by the operators behind them: straight from their layer (DETR, YOLOS, Table Transformer),
 * or added to reference points, whose inverse sigmoid is a logarithm (all others). Undefined where the graph does
 * not tell.
 */
function refinement(signature: ModelSignature): 'none' | 'points' | undefined {
  const boxes = outputNamed(signature, /^pred_boxes$/)
  const tail = boxes && tailOf(signature, boxes.name)
  if (tail === undefined || !tail.weightedChannels.includes(4)) {
    return undefined
  }
  if (tail.ops.includes('Log') || (signature.ops.GridSample ?? 0) > 0) {
    return 'points'
  }
  return tail.ops.includes('Sigmoid') && tail.ops.every((op) => PLAIN_BOX_OPS.has(op)) ? 'none' : undefined
}
