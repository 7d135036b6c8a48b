import type { Tensor } from '../../model/tensor.ts'
import { fromHalves } from '../../system/half.ts'

export type { Tensor } from '../../model/tensor.ts'

/** The values as float32; no copy when they already are. */
export function floats(tensor: Tensor): Float32Array {
  const { data } = tensor
  if (data instanceof Float32Array) {
    return data
  }
  if (tensor.type === 'float16' && data instanceof Uint16Array) {
    return fromHalves(data)
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float32Array.from(data, Number)
  }
  return Float32Array.from(data)
}
