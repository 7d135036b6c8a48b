import type { Size } from '../../boxes/box.ts'
import type { RgbImage } from '../rgb-image.ts'
import {
  bilinearRows,
  emptyAxis,
  type LinearAxis,
  nearestEven,
  type RowSink,
  setLinear,
} from './resample-linear.ts'

/**
 * OpenCV's INTER_AREA: each output pixel is the mean of the source area that it covers. Where either axis
 * grows, OpenCV falls back to two taps whose weights follow the area, and so does this.
 */
export function areaRows(image: RgbImage, to: Size, sink: RowSink): void {
  if (to.width > image.width || to.height > image.height) {
    bilinearRows(image, to, growAxis(image.width, to.width), growAxis(image.height, to.height), sink)
    return
  }
  const across = areaAxis(image.width, to.width)
  const down = areaAxis(image.height, to.height)
  const length = to.width * 3
  const out = new Uint8Array(length)
  const row = new Float32Array(length)
  const sum = new Float32Array(length)
  for (let y = 0; y < to.height; y++) {
    sum.fill(0)
    for (let i = down.start[y]!; i < down.start[y + 1]!; i++) {
      acrossRow(image, down.index[i]!, across, row)
      const weight = down.weight[i]!
      for (let x = 0; x < length; x++) {
        sum[x] = sum[x]! + row[x]! * weight
      }
    }
    for (let x = 0; x < length; x++) {
      out[x] = nearestEven(sum[x]!)
    }
    sink(out, y)
  }
}

interface AreaAxis {
  /** Output pixel i is made of entries start[i] to start[i + 1]. */
  start: Int32Array
  index: Int32Array
  weight: Float32Array
}

/** Overlaps below this share of a pixel are rounding noise. */
const LEAST_SHARE = 1e-3

function areaAxis(from: number, to: number): AreaAxis {
  const scale = 1 / (to / from)
  const start = new Int32Array(to + 1)
  const index: number[] = []
  const weight: number[] = []
  for (let i = 0; i < to; i++) {
    start[i] = index.length
    const left = i * scale
    const right = left + scale
    const cell = Math.min(scale, from - left)
    const firstWhole = Math.ceil(left)
    const endWhole = Math.min(Math.floor(right), from)
    if (firstWhole - left > LEAST_SHARE && firstWhole > 0) {
      index.push(firstWhole - 1)
      weight.push((firstWhole - left) / cell)
    }
    for (let whole = firstWhole; whole < endWhole; whole++) {
      index.push(whole)
      weight.push(1 / cell)
    }
    if (right - endWhole > LEAST_SHARE && endWhole < from) {
      index.push(endWhole)
      weight.push(Math.min(right - endWhole, 1, cell) / cell)
    }
  }
  start[to] = index.length
  return { start, index: Int32Array.from(index), weight: Float32Array.from(weight) }
}

function acrossRow(image: RgbImage, y: number, axis: AreaAxis, into: Float32Array): void {
  const { data, width } = image
  const { start, index, weight } = axis
  const base = y * width * 3
  for (let x = 0; x < start.length - 1; x++) {
    let red = 0
    let green = 0
    let blue = 0
    for (let i = start[x]!; i < start[x + 1]!; i++) {
      const p = base + index[i]! * 3
      const w = weight[i]!
      red += data[p]! * w
      green += data[p + 1]! * w
      blue += data[p + 2]! * w
    }
    into[x * 3] = red
    into[x * 3 + 1] = green
    into[x * 3 + 2] = blue
  }
}

function growAxis(from: number, to: number): LinearAxis {
  const axis = emptyAxis(to)
  const inverse = to / from
  const scale = 1 / inverse
  for (let i = 0; i < to; i++) {
    const floor = Math.floor(i * scale)
    const overlap = Math.fround(i + 1 - (floor + 1) * inverse)
    const fraction = overlap <= 0 || floor >= from - 1 ? 0 : Math.fround(overlap - Math.floor(overlap))
    setLinear(axis, i, floor, fraction, from)
  }
  return axis
}
