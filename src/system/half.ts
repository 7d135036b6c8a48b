/** IEEE 754 half precision, as the 16 bits that ONNX Runtime takes. */

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/**
 * Nearest half, ties to even, as NumPy's `astype(float16)` rounds. Beyond ±65,504 it is infinity;
 * below 2⁻²⁴ it is zero of the same sign.
 *
 * cost  cutting instead of rounding biases every pixel low by half a step
 */
export function toHalf(value: number): number {
  float[0] = value
  const x = bits[0]!
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) {
    return sign | 0x7e00 // not a number
  }
  if (magnitude >= 0x477ff000) {
    return sign | 0x7c00 // 65,520 and above round to infinity
  }
  if (magnitude < 0x38800000) {
    // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴: count the multiples.
    float[0] = Math.abs(value)
    const steps = float[0]! * 2 ** 24
    return sign | roundHalfEven(steps)
  }
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/** The number that sixteen bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) {
    return sign * fraction * 2 ** -24
  }
  if (exponent === 0x1f) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Numbers of many halves: a look-up is several times faster than the arithmetic for each. */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65_536 }, (_, half) => fromHalf(half))
  const values = table
  const numbers = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) {
    numbers[i] = values[halves[i]!]!
  }
  return numbers
}

/** All 65,536 values, made when first asked for. */
let table: Float32Array | undefined

function roundHalfEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  if (rest > 0.5) {
    return low + 1
  }
  if (rest < 0.5) {
    return low
  }
  return low % 2 === 0 ? low : low + 1
}
