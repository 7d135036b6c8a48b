/** A tensor as it leaves the runtime. float16 arrives as the 16 bits of each value. */
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
  type: string
  dims: readonly number[]
  data: TensorData
}
