/**
 * Which pixels of a picture belong to an object, as lengths of runs without and with it in turn, down the columns. The
 * arithmetic is that of the COCO tools, so that measures over masks equal theirs.
 */
import type { Size } from './box.ts'
import type { Mask } from './detection.ts'

export type Runs = ArrayLike<number>

/** Pixels along an edge for each one of the picture while an outline is drawn. */
const SCALE = 5
/** Points of an outline at that scale: the edge of the largest picture, many times over. Beyond it lies no picture. */
const MAX_POINTS = 2 ** 24

export function areaOfRuns(runs: Runs): number {
  let area = 0
  for (let i = 1; i < runs.length; i += 2) {
    area += runs[i]!
  }
  return area
}

/** Pixels that both have. */
export function commonOfRuns(a: Runs, b: Runs): number {
  let common = 0
  let [i, j] = [0, 0]
  let [left, right] = [a[0] ?? 0, b[0] ?? 0]
  while (i < a.length && j < b.length) {
    const length = Math.min(left, right)
    if (i & j & 1) {
      common += length
    }
    left -= length
    right -= length
    if (left === 0) {
      left = a[++i] ?? 0
    }
    if (right === 0) {
      right = b[++j] ?? 0
    }
  }
  return common
}

/** Pixels that either has. */
export function unionOfRuns(a: Runs, b: Runs): number[] {
  const union: number[] = [0]
  let value = 0
  let [i, j] = [0, 0]
  let [left, right] = [a[0] ?? 0, b[0] ?? 0]
  while (i < a.length || j < b.length) {
    const length = i >= a.length ? right : j >= b.length ? left : Math.min(left, right)
    const next = (i < a.length && i & 1) || (j < b.length && j & 1) ? 1 : 0
    if (length > 0) {
      if (next !== value) {
        union.push(0)
        value = next
      }
      union[union.length - 1]! += length
    }
    left -= length
    right -= length
    if (i < a.length && left <= 0) {
      left = a[++i] ?? 0
    }
    if (j < b.length && right <= 0) {
      right = b[++j] ?? 0
    }
  }
  return union
}

/** @param image size of the picture, in which the bitmap has its place */
export function runsOfMask(mask: Mask, image: Size): number[] {
  const counts: number[] = []
  let value = 0
  let length = 0
  const push = (next: number, times: number) => {
    if (times === 0) {
      return
    }
    if (next === value) {
      length += times
      return
    }
    counts.push(length)
    value = next
    length = times
  }
  push(0, mask.left * image.height)
  for (let x = 0; x < mask.width; x++) {
    push(0, mask.top)
    for (let y = 0; y < mask.height; y++) {
      push(mask.data[y * mask.width + x]!, 1)
    }
    push(0, image.height - mask.top - mask.height)
  }
  push(0, (image.width - mask.left - mask.width) * image.height)
  counts.push(length)
  return counts
}

/**
 * The pixels inside a closed outline.
 *
 * source  cocoapi `common/maskApi.c` rleFrPoly: the outline is drawn at five times the size, and each column begins and
 *         ends where it crosses the middle of the column
 * cost    any other rule for pixels on the edge moves masks across the thresholds of IoU
 * @param points x, y, x, y … in pixels
 */
export function runsOfPolygon(points: readonly number[], { width, height }: Size): number[] {
  const crossings = [...crossingsOf(points, width, height), width * height].sort((a, b) => a - b)
  const lengths = crossings.map((place, i) => place - (crossings[i - 1] ?? 0))
  const runs = [lengths[0]!]
  for (let i = 1; i < lengths.length; ) {
    if (lengths[i]! > 0) {
      runs.push(lengths[i++]!)
      continue
    }
    // Two crossings in one place take each other back.
    i++
    if (i < lengths.length) {
      runs[runs.length - 1]! += lengths[i++]!
    }
  }
  return runs
}

/** Places, counted down the columns, at which the outline enters or leaves. */
function crossingsOf(points: readonly number[], width: number, height: number): number[] {
  const crossings: number[] = []
  let last: { u: number; v: number } | undefined
  for (const { u, v } of drawn(points)) {
    if (last !== undefined && u !== last.u) {
      const x = ((u < last.u ? u : u - 1) + 0.5) / SCALE - 0.5
      if (Number.isInteger(x) && x >= 0 && x <= width - 1) {
        const y = (Math.min(v, last.v) + 0.5) / SCALE - 0.5
        crossings.push(x * height + Math.ceil(Math.min(Math.max(y, 0), height)))
      }
    }
    last = { u, v }
  }
  return crossings
}

/** Points along the whole outline, without gaps, at the larger scale. */
function* drawn(points: readonly number[]): Generator<{ u: number; v: number }> {
  const scaled = points.map((value) => Math.trunc(SCALE * value + 0.5))
  const count = Math.floor(points.length / 2)
  let left = MAX_POINTS
  for (let i = 0; i < count; i++) {
    const next = (i + 1) % count
    let [xs, ys, xe, ye] = [scaled[2 * i]!, scaled[2 * i + 1]!, scaled[2 * next]!, scaled[2 * next + 1]!]
    const dx = Math.abs(xe - xs)
    const dy = Math.abs(ye - ys)
    left -= Math.max(dx, dy)
    if (!(left > 0)) {
      return
    }
    const flip = (dx >= dy && xs > xe) || (dx < dy && ys > ye)
    if (flip) {
      ;[xs, ys, xe, ye] = [xe, ye, xs, ys]
    }
    const length = Math.max(dx, dy)
    // A point that is there twice has no slope, and is drawn once.
    const slope = length === 0 ? 0 : dx >= dy ? (ye - ys) / dx : (xe - xs) / dy
    for (let d = 0; d <= length; d++) {
      const t = flip ? length - d : d
      yield dx >= dy
        ? { u: t + xs, v: Math.trunc(ys + slope * t + 0.5) }
        : { u: Math.trunc(xs + slope * t + 0.5), v: t + ys }
    }
  }
}
