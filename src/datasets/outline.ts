import { type Runs, runsOfPolygon, unionOfRuns } from '../boxes/runs.ts'
import type { CornerBox, Segmentation } from './dataset.ts'

/** Area inside a polygon by the shoelace formula, square pixels. */
export function polygonArea(polygon: readonly number[]): number {
  let twice = 0
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length
    twice += polygon[i]! * polygon[next + 1]! - polygon[next]! * polygon[i + 1]!
  }
  return Math.abs(twice) / 2
}

/** The upright box around points, given as x, y, x, y …; undefined for fewer than two points. */
export function hullOfPoints(points: readonly number[]): CornerBox | undefined {
  if (points.length < 4) {
    return undefined
  }
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let i = 0; i + 1 < points.length; i += 2) {
    left = Math.min(left, points[i]!)
    right = Math.max(right, points[i]!)
    top = Math.min(top, points[i + 1]!)
    bottom = Math.max(bottom, points[i + 1]!)
  }
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Box and area of an outline that comes without them; undefined where it holds nothing. */
export function measureOutline(outline: Segmentation): { box: CornerBox; area: number } | undefined {
  if (!Array.isArray(outline)) {
    return measureRuns(runsOf(outline.counts), outline.size)
  }
  const polygons = outline.filter((polygon) => Array.isArray(polygon) && polygon.every(Number.isFinite))
  const box = hullOfPoints(polygons.flat())
  const area = polygons.reduce((sum, polygon) => sum + polygonArea(polygon), 0)
  return box === undefined ? undefined : { box, area }
}

/** The pixels of an outline in a picture of that size; polygons of one object are taken together. */
export function outlineRuns(outline: Segmentation, size: { width: number; height: number }): Runs {
  if (!Array.isArray(outline)) {
    return runsOf(outline.counts)
  }
  const polygons = outline.filter((polygon) => Array.isArray(polygon) && polygon.every(Number.isFinite))
  return polygons.map((polygon) => runsOfPolygon(polygon, size)).reduce(unionOfRuns, [])
}

/**
 * Lengths of runs without and with the object in turn, column by column.
 *
 * source  cocoapi `common/maskApi.c` rleFrString: six bits a character from 48, the sixth says that more come, and from
 *         the third run on the difference to the last but one is written
 */
function runsOf(counts: string | number[]): number[] {
  if (typeof counts !== 'string') {
    return counts
  }
  const runs: number[] = []
  for (let i = 0; i < counts.length; ) {
    let value = 0
    let bits = 0
    let more = true
    while (more && i < counts.length) {
      const code = counts.charCodeAt(i++) - 48
      value += (code & 0x1f) * 2 ** bits
      bits += 5
      more = (code & 0x20) !== 0
      if (!more && (code & 0x10) !== 0) {
        value -= 2 ** bits
      }
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2]! : value)
  }
  return runs
}

function measureRuns(
  runs: readonly number[],
  [height]: [number, number],
): { box: CornerBox; area: number } | undefined {
  const points: number[] = []
  let area = 0
  let start = 0
  runs.forEach((length, i) => {
    if (i % 2 === 1 && length > 0) {
      const last = start + length - 1
      const [left, right] = [Math.floor(start / height), Math.floor(last / height)]
      // A run that goes on in the next column touches the lower and the upper edge.
      const [top, bottom] = left === right ? [start % height, last % height] : [0, height - 1]
      points.push(left, top, right + 1, bottom + 1)
      area += length
    }
    start += length
  })
  const box = points.every(Number.isFinite) ? hullOfPoints(points) : undefined
  return box === undefined ? undefined : { box, area }
}
