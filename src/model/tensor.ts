/** A tensor as it enters or leaves the runtime. float16 travels as the 16 bits of each value. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

export interface Tensor {
  /** Name of the element type as ONNX has it: `float32`, `float16`, `int64` and so on. */
  type: string
  dims: readonly number[]
  data: TensorData
}
