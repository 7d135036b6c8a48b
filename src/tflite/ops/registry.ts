import { unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { batchToSpace, depthBlocks, spaceToBatch } from './blocks.ts'
import { cast, dequantize, oneHot, requantize } from './convert-type.ts'
import { conv2d, depthwiseConv2d, transposeConv } from './convolution.ts'
import * as each from './elementwise.ts'
import { batchMatmul, fullyConnected } from './matmul.ts'
import { argument, cumulativeSum, reduce, topK } from './reduce.ts'
import { resizeBilinear, resizeNearest } from './resize.ts'
import { nonMaxSuppression, scatterNd } from './select.ts'
import * as shape from './shape.ts'
import * as slice from './slice.ts'
import { averagePool2d, maxPool2d } from './window.ts'

/** Its output is a constant already, unless the input is computed. */
function densified(at: Operation): void {
  if (at.outputTensor().data === undefined) {
    throw unsupported('DENSIFY of values computed while the model runs')
  }
}

/** How each built-in operator becomes ONNX nodes. What is not here is refused by name. */
export const CONVERSIONS: Record<string, (at: Operation) => void> = {
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  TRANSPOSE_CONV: transposeConv,
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatmul,
  MAX_POOL_2D: maxPool2d,
  AVERAGE_POOL_2D: averagePool2d,
  RESIZE_BILINEAR: resizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,

  ADD: each.arithmetic('Add'),
  SUB: each.arithmetic('Sub'),
  MUL: each.arithmetic('Mul'),
  DIV: each.arithmetic('Div'),
  ADD_N: each.addN,
  POW: each.binary('Pow'),
  MAXIMUM: each.binary('Max'),
  MINIMUM: each.binary('Min'),
  FLOOR_DIV: each.floorDiv,
  FLOOR_MOD: each.floorMod,
  SQUARED_DIFFERENCE: each.squaredDifference,
  EQUAL: each.binary('Equal'),
  NOT_EQUAL: each.notEqual,
  LESS: each.binary('Less'),
  LESS_EQUAL: each.binary('LessOrEqual'),
  GREATER: each.binary('Greater'),
  GREATER_EQUAL: each.binary('GreaterOrEqual'),
  LOGICAL_AND: each.binary('And'),
  LOGICAL_OR: each.binary('Or'),
  LOGICAL_NOT: each.unary('Not'),
  SELECT: each.select,
  SELECT_V2: each.select,

  ABS: each.unary('Abs'),
  CEIL: each.unary('Ceil'),
  COS: each.unary('Cos'),
  ELU: each.unary('Elu'),
  EXP: each.unary('Exp'),
  FLOOR: each.unary('Floor'),
  GELU: each.gelu,
  HARD_SWISH: each.unary('HardSwish'),
  LEAKY_RELU: each.leakyRelu,
  LOG: each.unary('Log'),
  LOGISTIC: each.unary('Sigmoid'),
  NEG: each.unary('Neg'),
  PRELU: each.prelu,
  RELU: each.unary('Relu'),
  RELU6: each.relu6,
  RELU_0_TO_1: each.relu0To1,
  RELU_N1_TO_1: each.reluN1To1,
  ROUND: each.unary('Round'),
  RSQRT: each.rsqrt,
  SIGN: each.unary('Sign'),
  SIN: each.unary('Sin'),
  SQRT: each.unary('Sqrt'),
  SQUARE: each.square,
  TANH: each.unary('Tanh'),
  SOFTMAX: each.softmax,
  LOG_SOFTMAX: each.logSoftmax,
  L2_NORMALIZATION: each.l2Normalization,
  LOCAL_RESPONSE_NORMALIZATION: each.localResponseNormalization,

  RESHAPE: shape.reshape,
  SQUEEZE: shape.reshape,
  EXPAND_DIMS: shape.reshape,
  TRANSPOSE: shape.transpose,
  CONCATENATION: shape.concatenation,
  PACK: shape.pack,
  UNPACK: shape.unpack,
  SHAPE: shape.shapeOf,
  RANK: shape.rankOf,
  TILE: shape.tile,
  BROADCAST_TO: shape.broadcastTo,
  FILL: shape.fill,
  ZEROS_LIKE: shape.zerosLike,
  RANGE: shape.range,
  DEPTH_TO_SPACE: depthBlocks('DepthToSpace'),
  SPACE_TO_DEPTH: depthBlocks('SpaceToDepth'),
  SPACE_TO_BATCH_ND: spaceToBatch,
  BATCH_TO_SPACE_ND: batchToSpace,

  SLICE: slice.slice,
  STRIDED_SLICE: slice.stridedSlice,
  SPLIT: slice.split,
  SPLIT_V: slice.splitV,
  PAD: slice.pad,
  PADV2: slice.pad,
  MIRROR_PAD: slice.pad,
  GATHER: slice.gather,
  GATHER_ND: slice.gatherNd,
  REVERSE_V2: slice.reverse,
  SCATTER_ND: scatterNd,
  NON_MAX_SUPPRESSION_V4: nonMaxSuppression,
  NON_MAX_SUPPRESSION_V5: nonMaxSuppression,

  MEAN: reduce('ReduceMean'),
  SUM: reduce('ReduceSum'),
  REDUCE_MAX: reduce('ReduceMax'),
  REDUCE_MIN: reduce('ReduceMin'),
  REDUCE_PROD: reduce('ReduceProd'),
  REDUCE_ANY: reduce('Any'),
  REDUCE_ALL: reduce('All'),
  ARG_MAX: argument('ArgMax'),
  ARG_MIN: argument('ArgMin'),
  TOPK_V2: topK,
  CUMSUM: cumulativeSum,

  DENSIFY: densified,
  QUANTIZE: requantize,
  DEQUANTIZE: dequantize,
  CAST: cast,
  ONE_HOT: oneHot,
}
