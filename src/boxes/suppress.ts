import type { Candidates } from './detection.ts'
import { corners, type Point, polygonIou } from './turned.ts'

export interface SuppressOptions {
  /** across-classes removes a box that overlaps a better one of any class. */
  kind: 'none' | 'per-class' | 'across-classes'
  /** A box goes when its IoU with a better kept one is strictly above this. */
  iou: number
  maxDetections: number
}

/**
 * Candidates above this never reach suppression: the best are taken first. Ultralytics' `max_nms`; it bounds
 * the quadratic step on a head that scores everything.
 */
const MAX_SUPPRESSED = 30_000

/**
 * Greedy non-maximum suppression. Returns the rows to keep, best first, ties in head order.
 *
 * source  Ultralytics `non_max_suppression`, torchvision `batched_nms`: areas without the +1 of older codes
 * cost    running it on final boxes (kind `none`) removes real objects that stand close together
 */
export function suppress(candidates: Candidates, options: SuppressOptions): Int32Array {
  const order = byScore(candidates)
  if (options.kind === 'none') {
    return order.slice(0, options.maxDetections)
  }
  const overlap = overlapOf(candidates)
  const kept = new Int32Array(Math.min(order.length, options.maxDetections))
  /** Kept rows that can remove another: those of its class, or all. */
  const rivals = new Map<number, number[]>()
  let count = 0
  for (const row of order) {
    if (count === kept.length) {
      break
    }
    const group = options.kind === 'across-classes' ? 0 : candidates.classIds[row]!
    const better = rivals.get(group) ?? []
    if (better.some((other) => overlap(other, row) > options.iou)) {
      continue
    }
    better.push(row)
    rivals.set(group, better)
    kept[count++] = row
  }
  return kept.subarray(0, count)
}

function overlapOf({ boxes, angles }: Candidates): (a: number, b: number) => number {
  if (angles === undefined) {
    return (a, b) => iouOfRows(boxes, a, b)
  }
  const known = new Map<number, Point[]>()
  const cornersOf = (row: number): Point[] => {
    const found = known.get(row) ?? turnedRow(boxes, angles, row)
    known.set(row, found)
    return found
  }
  return (a, b) => polygonIou(cornersOf(a), cornersOf(b))
}

function byScore({ scores, count }: Candidates): Int32Array {
  const order = Int32Array.from({ length: count }, (_, row) => row)
  order.sort((a, b) => scores[b]! - scores[a]! || a - b)
  return order.subarray(0, MAX_SUPPRESSED)
}

/** Intersection over union of two rows of a packed x1, y1, x2, y2 array. */
export function iouOfRows(boxes: Float32Array, a: number, b: number): number {
  const i = a * 4
  const j = b * 4
  const width = Math.min(boxes[i + 2]!, boxes[j + 2]!) - Math.max(boxes[i]!, boxes[j]!)
  const height = Math.min(boxes[i + 3]!, boxes[j + 3]!) - Math.max(boxes[i + 1]!, boxes[j + 1]!)
  if (width <= 0 || height <= 0) {
    return 0
  }
  const shared = width * height
  const areaA = (boxes[i + 2]! - boxes[i]!) * (boxes[i + 3]! - boxes[i + 1]!)
  const areaB = (boxes[j + 2]! - boxes[j]!) * (boxes[j + 3]! - boxes[j + 1]!)
  return shared / (areaA + areaB - shared)
}

const turnedRow = (boxes: Float32Array, angles: Float32Array, row: number) =>
  corners(boxes[row * 4]!, boxes[row * 4 + 1]!, boxes[row * 4 + 2]!, boxes[row * 4 + 3]!, angles[row]!)
