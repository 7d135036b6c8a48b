import type { TfliteType } from './codes.ts'
import type { Table } from './flatbuffer.ts'

/** A TFLite file as far as conversion needs it. Constant data stays a view on the file. */
export interface TfliteGraph {
  /** Length of the file. */
  bytes: number
  schemaVersion: number
  description: string
  tensors: TfliteTensor[]
  inputs: number[]
  outputs: number[]
  operators: TfliteOperator[]
  /** Graphs beside the main one; they belong to control flow. */
  otherGraphs: number
  /** Named blobs such as TFLITE_METADATA. */
  blobs: Map<string, Uint8Array>
}

export interface TfliteTensor {
  name: string
  type: TfliteType
  /** In the order of the file, NHWC for pictures. Empty for scalars and where nothing is declared. */
  shape: number[]
  /** False when the file declares no shape and the tensor is not a constant: known only after a run. */
  hasShape: boolean
  /** Axes whose size the file leaves free; `shape` has a stand-in of 1 there. */
  freeAxes: number[]
  data: Uint8Array | undefined
  quantization: Quantization | undefined
  isVariable: boolean
  isSparse: boolean
}

/** real = (stored − zeroPoint) · scale; one entry for the tensor or one for each index along `axis`. */
export interface Quantization {
  scales: number[]
  zeroPoints: number[]
  axis: number
}

export interface TfliteOperator {
  /** Name in the schema, or the code of a custom operator. */
  name: string
  isCustom: boolean
  version: number
  /** Index into tensors; -1 is an optional input left out. */
  inputs: number[]
  outputs: number[]
  options: Table | undefined
  customOptions: Uint8Array | undefined
}

export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)
