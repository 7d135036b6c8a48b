import type { Tensor } from '../../model/tensor.ts'

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

function fromHalves(bits: Uint16Array): Float32Array {
  const table = halfTable()
  return Float32Array.from(bits, (half) => table[half]!)
}

let halves: Float32Array | undefined

/** All 65,536 half-precision values: a look-up is several times faster than the arithmetic for each. */
function halfTable(): Float32Array {
  if (halves !== undefined) {
    return halves
  }
  halves = Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1
    const exponent = (bits >> 10) & 0x1f
    const fraction = bits & 0x3ff
    if (exponent === 0) {
      return sign * 2 ** -14 * (fraction / 1024)
    }
    if (exponent === 31) {
      return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
    }
    return sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
  })
  return halves
}
