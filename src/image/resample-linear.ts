import type { Size } from '../boxes/box.ts'
import type { RgbImage } from './rgb-image.ts'

/** Takes one finished row: three bytes a pixel, only valid until the call returns, and its number. */
export type RowSink = (row: Uint8Array, y: number) => void

/** OpenCV keeps weights in 11 bits. */
export const WEIGHT_ONE = 2048

/** Source position left of or above each output pixel and the weights of it and its right or lower neighbour. */
export interface LinearAxis {
  low: Int32Array
  high: Int32Array
  lowWeight: Int32Array
  highWeight: Int32Array
}

export function emptyAxis(length: number): LinearAxis {
  return {
    low: new Int32Array(length),
    high: new Int32Array(length),
    lowWeight: new Int32Array(length),
    highWeight: new Int32Array(length),
  }
}

export function setLinear(axis: LinearAxis, i: number, floor: number, fraction: number, from: number): void {
  axis.low[i] = Math.min(Math.max(floor, 0), from - 1)
  axis.high[i] = Math.min(Math.max(floor + 1, 0), from - 1)
  axis.lowWeight[i] = nearestEven(Math.fround(1 - fraction) * WEIGHT_ONE)
  axis.highWeight[i] = nearestEven(fraction * WEIGHT_ONE)
}

/** Rounds as the processor does by default: halves to the even neighbour. */
export function nearestEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
}

/**
 * Across into 19-bit integers, then down with OpenCV's truncating shifts. Enlarging, neighbouring output rows
 * share their source rows, so the rows resized across are kept; reducing, they share few, and both directions
 * are done in one go.
 */
export function bilinearRows(
  image: RgbImage,
  to: Size,
  across: LinearAxis,
  down: LinearAxis,
  sink: RowSink,
): void {
  const out = new Uint8Array(to.width * 3)
  if (image.height > to.height) {
    for (let y = 0; y < to.height; y++) {
      bothWays(image, y, across, down, out)
      sink(out, y)
    }
    return
  }
  let top = new Int32Array(out.length)
  let bottom = new Int32Array(out.length)
  let topRow = -1
  let bottomRow = -1
  for (let y = 0; y < to.height; y++) {
    const low = down.low[y]!
    const high = down.high[y]!
    if (bottomRow === low) {
      ;[top, bottom] = [bottom, top]
      ;[topRow, bottomRow] = [bottomRow, topRow]
    }
    if (topRow !== low) {
      acrossRow(image, low, across, top)
      topRow = low
    }
    if (bottomRow !== high && high !== low) {
      acrossRow(image, high, across, bottom)
      bottomRow = high
    }
    downRow(top, high === low ? top : bottom, down.lowWeight[y]!, down.highWeight[y]!, out)
    sink(out, y)
  }
}

/** Keeps the four highest bits of fraction, so that the product of the second pass fits 32 bits. */
function acrossRow(image: RgbImage, y: number, axis: LinearAxis, into: Int32Array): void {
  const { data, width } = image
  const { low, high, lowWeight, highWeight } = axis
  const base = y * width * 3
  for (let x = 0, o = 0; x < low.length; x++, o += 3) {
    const l = base + low[x]! * 3
    const h = base + high[x]! * 3
    const a = lowWeight[x]!
    const b = highWeight[x]!
    into[o] = (data[l]! * a + data[h]! * b) >> 4
    into[o + 1] = (data[l + 1]! * a + data[h + 1]! * b) >> 4
    into[o + 2] = (data[l + 2]! * a + data[h + 2]! * b) >> 4
  }
}

function downRow(top: Int32Array, bottom: Int32Array, a: number, b: number, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) {
    out[i] = ((Math.imul(top[i]!, a) >> 16) + (Math.imul(bottom[i]!, b) >> 16) + 2) >> 2
  }
}

/** `acrossRow` twice and `downRow` in one loop. */
function bothWays(image: RgbImage, y: number, across: LinearAxis, down: LinearAxis, out: Uint8Array): void {
  const { data, width } = image
  const { low, high, lowWeight, highWeight } = across
  const top = down.low[y]! * width * 3
  const step = down.high[y]! * width * 3 - top
  const c = down.lowWeight[y]!
  const d = down.highWeight[y]!
  for (let x = 0, o = 0; x < low.length; x++, o += 3) {
    const l = top + low[x]! * 3
    const h = top + high[x]! * 3
    const m = l + step
    const n = h + step
    const a = lowWeight[x]!
    const b = highWeight[x]!
    out[o] =
      ((Math.imul((data[l]! * a + data[h]! * b) >> 4, c) >> 16) +
        (Math.imul((data[m]! * a + data[n]! * b) >> 4, d) >> 16) +
        2) >>
      2
    out[o + 1] =
      ((Math.imul((data[l + 1]! * a + data[h + 1]! * b) >> 4, c) >> 16) +
        (Math.imul((data[m + 1]! * a + data[n + 1]! * b) >> 4, d) >> 16) +
        2) >>
      2
    out[o + 2] =
      ((Math.imul((data[l + 2]! * a + data[h + 2]! * b) >> 4, c) >> 16) +
        (Math.imul((data[m + 2]! * a + data[n + 2]! * b) >> 4, d) >> 16) +
        2) >>
      2
  }
}
