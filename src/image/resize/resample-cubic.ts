import type { Size } from '../../boxes/box.ts'
import type { RgbImage } from '../rgb-image.ts'
import { nearestEven, type RowSink, WEIGHT_ONE } from './resample-linear.ts'

/** OpenCV's INTER_CUBIC: four taps, a = −0.75, edge pixels repeated, 11-bit weights, no smoothing first. */

const A = -0.75
const TAPS = 4

interface CubicAxis {
  /** Four source positions and four weights for each output pixel. */
  index: Int32Array
  weight: Int32Array
}

function cubicAxis(from: number, to: number): CubicAxis {
  const index = new Int32Array(to * TAPS)
  const weight = new Int32Array(to * TAPS)
  const scale = 1 / (to / from)
  for (let i = 0; i < to; i++) {
    const position = Math.fround((i + 0.5) * scale - 0.5)
    const floor = Math.floor(position)
    const weights = cubicWeights(position - floor)
    for (let tap = 0; tap < TAPS; tap++) {
      index[i * TAPS + tap] = Math.min(Math.max(floor - 1 + tap, 0), from - 1)
      weight[i * TAPS + tap] = nearestEven(Math.fround(weights[tap]!) * WEIGHT_ONE)
    }
  }
  return { index, weight }
}

/** Keys' kernel at distances 1 + f, f, 1 − f and 2 − f; the last is what makes the sum one. */
function cubicWeights(f: number): [number, number, number, number] {
  const far = ((A * (f + 1) - 5 * A) * (f + 1) + 8 * A) * (f + 1) - 4 * A
  const near = ((A + 2) * f - (A + 3)) * f * f + 1
  const next = ((A + 2) * (1 - f) - (A + 3)) * (1 - f) * (1 - f) + 1
  return [far, near, next, 1 - far - near - next]
}

export function cubicRows(image: RgbImage, to: Size, sink: RowSink): void {
  const across = cubicAxis(image.width, to.width)
  const down = cubicAxis(image.height, to.height)
  const length = to.width * 3
  const out = new Uint8Array(length)
  const cache = new RowCache(image, across, length)
  for (let y = 0; y < to.height; y++) {
    const first = y * TAPS
    const rows = [0, 1, 2, 3].map((tap) => cache.row(down.index[first + tap]!))
    const [r0, r1, r2, r3] = rows as [Float32Array, Float32Array, Float32Array, Float32Array]
    const unit = 1 / (WEIGHT_ONE * WEIGHT_ONE)
    const w0 = down.weight[first]! * unit
    const w1 = down.weight[first + 1]! * unit
    const w2 = down.weight[first + 2]! * unit
    const w3 = down.weight[first + 3]! * unit
    for (let i = 0; i < length; i++) {
      const value = r0[i]! * w0 + r1[i]! * w1 + r2[i]! * w2 + r3[i]! * w3
      out[i] = value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5
    }
    sink(out, y)
  }
}

/** The last rows resized across; consecutive output rows share most of them. */
class RowCache {
  readonly #image: RgbImage
  readonly #axis: CubicAxis
  readonly #rows: { y: number; values: Float32Array }[]

  constructor(image: RgbImage, axis: CubicAxis, length: number) {
    this.#image = image
    this.#axis = axis
    this.#rows = Array.from({ length: TAPS }, () => ({ y: -1, values: new Float32Array(length) }))
  }

  /** Slot by row number modulo four: the four rows of one output row never share a slot. */
  row(y: number): Float32Array {
    const slot = this.#rows[y % TAPS]!
    if (slot.y !== y) {
      acrossRow(this.#image, y, this.#axis, slot.values)
      slot.y = y
    }
    return slot.values
  }
}

function acrossRow(image: RgbImage, y: number, axis: CubicAxis, into: Float32Array): void {
  const { data, width } = image
  const { index, weight } = axis
  const base = y * width * 3
  for (let i = 0, o = 0; i < index.length; i += TAPS, o += 3) {
    const p0 = base + index[i]! * 3
    const p1 = base + index[i + 1]! * 3
    const p2 = base + index[i + 2]! * 3
    const p3 = base + index[i + 3]! * 3
    const w0 = weight[i]!
    const w1 = weight[i + 1]!
    const w2 = weight[i + 2]!
    const w3 = weight[i + 3]!
    for (let c = 0; c < 3; c++) {
      into[o + c] = data[p0 + c]! * w0 + data[p1 + c]! * w1 + data[p2 + c]! * w2 + data[p3 + c]! * w3
    }
  }
}
