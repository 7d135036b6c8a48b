/**
 * The parts of the TFLite schema (version 3) that detectors need, as `[field id, kind, default]`.
 *
 * source  tensorflow/compiler/mlir/lite/schema/schema.fbs (Apache-2.0); ids follow the order of the fields there
 */
import type { Schema } from './flatbuffer.ts'

export const MODEL = {
  version: [0, 'u32'],
  operatorCodes: [1, 'tables'],
  subgraphs: [2, 'tables'],
  description: [3, 'string'],
  buffers: [4, 'tables'],
  metadata: [6, 'tables'],
} as const satisfies Schema

export const OPERATOR_CODE = {
  /** Codes above 127 do not fit here and are in `builtinCode`. */
  deprecatedBuiltinCode: [0, 'i8'],
  customCode: [1, 'string'],
  version: [2, 'i32', 1],
  builtinCode: [3, 'i32'],
} as const satisfies Schema

export const SUBGRAPH = {
  tensors: [0, 'tables'],
  inputs: [1, 'i32s'],
  outputs: [2, 'i32s'],
  operators: [3, 'tables'],
  name: [4, 'string'],
} as const satisfies Schema

export const TENSOR = {
  shape: [0, 'i32s'],
  type: [1, 'i8'],
  buffer: [2, 'u32'],
  name: [3, 'string'],
  quantization: [4, 'table'],
  isVariable: [5, 'bool'],
  sparsity: [6, 'table'],
  shapeSignature: [7, 'i32s'],
  hasRank: [8, 'bool'],
} as const satisfies Schema

export const QUANTIZATION = {
  scale: [2, 'f32s'],
  zeroPoint: [3, 'i64s'],
  quantizedDimension: [6, 'i32'],
} as const satisfies Schema

export const SPARSITY = {
  traversalOrder: [0, 'i32s'],
  blockMap: [1, 'i32s'],
  dimensions: [2, 'tables'],
} as const satisfies Schema

/** Unions take two ids: what they hold, and where. */
export const DIMENSION_METADATA = {
  format: [0, 'i8'],
  denseSize: [1, 'i32'],
  segmentsType: [2, 'u8'],
  segments: [3, 'table'],
  indicesType: [4, 'u8'],
  indices: [5, 'table'],
} as const satisfies Schema
export const INDEX_VECTOR = { values: [0, 'i32s'] } as const satisfies Schema
export const SHORT_INDEX_VECTOR = { values: [0, 'u16s'] } as const satisfies Schema
export const TINY_INDEX_VECTOR = { values: [0, 'bytes'] } as const satisfies Schema

export const OPERATOR = {
  opcodeIndex: [0, 'u32'],
  inputs: [1, 'i32s'],
  outputs: [2, 'i32s'],
  options: [4, 'table'],
  customOptions: [5, 'bytes'],
} as const satisfies Schema

export const BUFFER = {
  data: [0, 'bytes'],
  /** Files above 2 GB keep data behind the FlatBuffer; 0 and 1 mean that they do not. */
  offset: [1, 'u64'],
  size: [2, 'u64'],
} as const satisfies Schema

export const METADATA = {
  name: [0, 'string'],
  buffer: [1, 'u32'],
} as const satisfies Schema

/** Options of operators, by the operator that has them. */
export const CONV_2D = {
  padding: [0, 'i8'],
  strideW: [1, 'i32'],
  strideH: [2, 'i32'],
  activation: [3, 'i8'],
  dilationW: [4, 'i32', 1],
  dilationH: [5, 'i32', 1],
} as const satisfies Schema
export const DEPTHWISE_CONV_2D = {
  padding: [0, 'i8'],
  strideW: [1, 'i32'],
  strideH: [2, 'i32'],
  activation: [4, 'i8'],
  dilationW: [5, 'i32', 1],
  dilationH: [6, 'i32', 1],
} as const satisfies Schema
export const TRANSPOSE_CONV = {
  padding: [0, 'i8'],
  strideW: [1, 'i32'],
  strideH: [2, 'i32'],
  activation: [3, 'i8'],
} as const satisfies Schema
export const POOL_2D = {
  padding: [0, 'i8'],
  strideW: [1, 'i32'],
  strideH: [2, 'i32'],
  filterW: [3, 'i32'],
  filterH: [4, 'i32'],
  activation: [5, 'i8'],
} as const satisfies Schema
export const FULLY_CONNECTED = {
  activation: [0, 'i8'],
  weightsFormat: [1, 'i8'],
} as const satisfies Schema
export const BATCH_MATMUL = { adjX: [0, 'bool'], adjY: [1, 'bool'] } as const satisfies Schema
/** ADD, SUB, MUL and DIV begin alike. */
export const ARITHMETIC = { activation: [0, 'i8'] } as const satisfies Schema
export const CONCATENATION = { axis: [0, 'i32'], activation: [1, 'i8'] } as const satisfies Schema
export const SOFTMAX = { beta: [0, 'f32'] } as const satisfies Schema
export const LEAKY_RELU = { alpha: [0, 'f32'] } as const satisfies Schema
export const GELU = { approximate: [0, 'bool'] } as const satisfies Schema
export const LOCAL_RESPONSE_NORMALIZATION = {
  radius: [0, 'i32'],
  bias: [1, 'f32'],
  alpha: [2, 'f32'],
  beta: [3, 'f32'],
} as const satisfies Schema
/** The first two fields of RESIZE_BILINEAR, its size in old files, are gone. */
export const RESIZE_BILINEAR = { alignCorners: [2, 'bool'], halfPixel: [3, 'bool'] } as const satisfies Schema
export const RESIZE_NEAREST = { alignCorners: [0, 'bool'], halfPixel: [1, 'bool'] } as const satisfies Schema
export const BLOCK = { blockSize: [0, 'i32'] } as const satisfies Schema
export const GATHER = { axis: [0, 'i32'], batchDims: [1, 'i32'] } as const satisfies Schema
export const REDUCER = { keepDims: [0, 'bool'] } as const satisfies Schema
export const STRIDED_SLICE = {
  beginMask: [0, 'i32'],
  endMask: [1, 'i32'],
  ellipsisMask: [2, 'i32'],
  newAxisMask: [3, 'i32'],
  shrinkAxisMask: [4, 'i32'],
  offset: [5, 'bool'],
} as const satisfies Schema
export const MIRROR_PAD = { mode: [0, 'i8'] } as const satisfies Schema
export const CUMSUM = { exclusive: [0, 'bool'], reverse: [1, 'bool'] } as const satisfies Schema
/** PACK keeps a count first; UNPACK as well. */
export const PACK = { axis: [1, 'i32'] } as const satisfies Schema
export const ONE_HOT = { axis: [0, 'i32'] } as const satisfies Schema

/** TFLITE_METADATA, a FlatBuffer of its own inside the file. source tflite-support metadata_schema.fbs (Apache-2.0) */
export const MODEL_METADATA = {
  name: [0, 'string'],
  description: [1, 'string'],
  version: [2, 'string'],
  subgraphs: [3, 'tables'],
  author: [4, 'string'],
  license: [5, 'string'],
} as const satisfies Schema
export const SUBGRAPH_METADATA = { inputs: [2, 'tables'], outputs: [3, 'tables'] } as const satisfies Schema
export const TENSOR_METADATA = {
  name: [0, 'string'],
  description: [1, 'string'],
  content: [3, 'table'],
  processUnits: [4, 'tables'],
  associatedFiles: [6, 'tables'],
} as const satisfies Schema
export const CONTENT = { propertiesType: [0, 'u8'], properties: [1, 'table'] } as const satisfies Schema
export const IMAGE_PROPERTIES = { colorSpace: [0, 'i8'] } as const satisfies Schema
export const PROCESS_UNIT = { optionsType: [0, 'u8'], options: [1, 'table'] } as const satisfies Schema
export const NORMALIZATION = { mean: [0, 'f32s'], std: [1, 'f32s'] } as const satisfies Schema
