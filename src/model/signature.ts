/** What a model file says about itself, as the reader of each format gives it to recognition. */

export type TensorType =
  | 'float32'
  | 'float16'
  | 'float64'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string'
  | 'other'

/** A number is fixed, a string names a free axis, null is unknown. */
export type Dimension = number | string | null

export interface TensorInfo {
  name: string
  type: TensorType
  /** Undefined when the file does not declare a shape at all, which differs from a scalar's []. */
  shape: Dimension[] | undefined
  /** TFLite only: real = (stored − zeroPoint) · scale. */
  quantization?: { scale: number; zeroPoint: number }
  /**
   * Outputs of TFLite models only: how the file stores them. The converted model gives real values, so nothing
   * is left to be dequantized.
   */
  storedAs?: { type: TensorType; scale: number; zeroPoint: number }
}

export interface ModelSignature {
  format: 'onnx' | 'tflite'
  /** Bytes of the file. */
  bytes: number
  /** Real inputs: those without an initializer. */
  inputs: TensorInfo[]
  outputs: TensorInfo[]
  metadata: Record<string, string>
  producer: { name: string; version: string }
  opsets: Record<string, number>
  /** How often each operator occurs, subgraphs included; domains other than the default as `domain:Op`. */
  ops: Record<string, number>
  /** Elements of all initializers. */
  parameters: number
  /** For each output name, what lies between the last weighted layers and that output. */
  tails: Record<string, OutputTail>
  /** Nodes, those of subgraphs and local functions included. */
  nodes?: number
  /** How the weights and the arithmetic are quantized. */
  quantization?: QuantizationKind
  /** For each input name, what the file itself does to it before the first weighted layer. */
  stems?: Record<string, InputStem>
  /** Suppression inside the graph, with what it is set to where that is constant. */
  suppression?: GraphSuppression[]
  /** Operators that the file defines itself, as `ops` names them. */
  functions?: string[]
  /** TFLite only: why the file has no ONNX form that could run; `ops` are then its own operators. */
  unconvertible?: { message: string; hint?: string }
  /** TFLite only: operators of the file itself; `ops` counts those of its ONNX form. */
  sourceOps?: Record<string, number>
}

/**
 * dynamic: activations are quantized as they come; qdq: fixed ranges written as Quantize/Dequantize pairs;
 * qoperator: fixed ranges in integer operators; int8-weights and float16-weights: stored small, computed in
 * float32; float16: computed in float16.
 */
export type QuantizationKind =
  | 'none'
  | 'dynamic'
  | 'qdq'
  | 'qoperator'
  | 'int8-weights'
  | 'float16-weights'
  | 'float16'

/** What happens to an input inside the graph before the first weighted layer. */
export interface InputStem {
  /** In the order met, each once. */
  ops: string[]
  /** Small constants that the input is combined with, e.g. the mean and deviation of a normalisation. */
  constants: { op: string; values: number[] }[]
  /** Shape of the first weight, e.g. [16, 3, 3, 3]. */
  firstWeight: number[] | undefined
}

export interface GraphSuppression {
  /** Operator that suppresses, e.g. `NonMaxSuppression`. */
  op: string
  maxPerClass?: number
  iou?: number
  score?: number
}

/** The ops behind one output, walked back to the last convolutions or matrix products. */
export interface OutputTail {
  ops: string[]
  /** Output channels of the weighted layers reached, in the order met. */
  weightedChannels: number[]
  /** True when a constant of at least 1,000 values feeds the tail: grid or anchors are decoded inside. */
  hasLargeConstant: boolean
}
