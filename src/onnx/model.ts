import type { Dimension, TensorType } from '../model/signature.ts'

/** An ONNX file as the reader gives it: structure and small values; weights stay in the file as byte ranges. */
export interface OnnxModel {
  bytes: Uint8Array
  irVersion: number
  producer: { name: string; version: string }
  opsets: Map<string, number>
  metadata: Map<string, string>
  graph: OnnxGraph
  /** Local functions, called as nodes of their own domain. */
  functions: OnnxFunction[]
  hasTrainingInfo: boolean
}

/** Positions in the file of a message's content, without its tag and length. */
export interface ByteRange {
  start: number
  end: number
}

export interface OnnxGraph {
  range: ByteRange
  nodes: OnnxNode[]
  initializers: Map<string, OnnxTensor>
  sparseInitializers: number
  /** As the file lists them, initializers among them in files of IR version 3. */
  inputs: OnnxValue[]
  outputs: OnnxValue[]
}

export interface OnnxFunction {
  name: string
  domain: string
  nodes: OnnxNode[]
}

export interface OnnxNode {
  range: ByteRange
  op: string
  /** Empty for the default domain. */
  domain: string
  /** An empty name is an optional input left out. */
  inputs: string[]
  outputs: string[]
  /** Read from the file when first asked for; throws MODEL_CORRUPT or MODEL_LIMIT then. */
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
  /** Bodies of `If`, `Loop` and the like. */
  readonly subgraphs: readonly OnnxGraph[]
}

/** One attribute; which field is set follows from its kind. */
export interface OnnxAttribute {
  float?: number
  int?: number
  text?: string
  tensor?: OnnxTensor
  floats?: number[]
  ints?: number[]
  graphs?: OnnxGraph[]
}

export interface OnnxTensor {
  name: string
  range: ByteRange
  type: TensorType
  /** Number of the element type in onnx.proto, for the types that `TensorType` does not name. */
  typeCode: number
  dims: number[]
  /** Product of `dims`. */
  elements: number
  /** Where the values are when they are stored raw. */
  raw: ByteRange | undefined
  /** Data lies in another file. */
  external: boolean
}

export interface OnnxValue {
  name: string
  range: ByteRange
  type: TensorType
  /** Undefined when no shape is declared. */
  shape: Dimension[] | undefined
}

/** Operator as the signature counts it: `Conv`, `com.microsoft:QuickGelu`. */
export const qualifiedOp = ({ domain, op }: Pick<OnnxNode, 'domain' | 'op'>): string =>
  domain === '' || domain === 'ai.onnx' ? op : `${domain}:${op}`
