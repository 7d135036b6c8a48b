/**
 * Matching of detections to ground truth by the definition of pycocotools (`COCOeval.computeIoU` and
 * `evaluateImg`, type "bbox"; others bring an overlap of their own).
 *
 * Each picture and category is matched on its own, detections best first, at most 100 of them. A detection
 * takes the free object with the highest IoU at or above the threshold; objects that count come before
 * ignored ones, and a crowd may be taken again and again, its IoU being the share of the detection inside it.
 * Whether an object or an unmatched detection is ignored depends on its area and the area range in question.
 */
import { type EvaluationInput, groupRows } from './tables.ts'

/** NumPy's `linspace`, to the last bit: thresholds that differ by one bit move boxes across them. */
function linspace(start: number, stop: number, count: number): Float64Array {
  const step = (stop - start) / (count - 1)
  const values = Float64Array.from({ length: count }, (_, i) => i * step + start)
  values[count - 1] = stop
  return values
}

/** 0.50, 0.55 … 0.95. */
export const IOU_THRESHOLDS: Float64Array = linspace(0.5, 0.95, 10)
/** 0.00, 0.01 … 1.00. */
export const RECALL_THRESHOLDS: Float64Array = linspace(0, 1, 101)
/** Detections counted per picture and category. */
export const MAX_DETECTIONS = [1, 10, 100] as const
const MOST_DETECTIONS = 100

export const AREA_NAMES = ['all', 'small', 'medium', 'large'] as const
export type AreaName = (typeof AREA_NAMES)[number]
/** Square pixels, both ends included. */
export const AREA_RANGES: Record<AreaName, readonly [number, number]> = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
}

/** Bits are IoU thresholds, the lowest bit 0.50; index is the row in the table of detections. */
export interface AreaMatches {
  /** Bit set: the detection took an object. */
  matched: Uint16Array
  /** Bit set: the detection counts neither for nor against. */
  ignored: Uint16Array
  /** Objects of each category that count. */
  truths: Uint32Array
}

export interface MatchTable {
  areas: Record<AreaName, AreaMatches>
  /** Row of the object taken at IoU 0.50 in area range "all", −1 for none. */
  truthAt50: Int32Array
  /** Place among the detections of the same picture and category, 0 for the best. */
  rank: Uint32Array
  /**
   * Rows of the detections that count (rank below 100), by category, then score from high to low, then
   * picture: the order in which precision and recall accumulate. `categoryStarts` bounds each category.
   */
  order: Uint32Array
  categoryStarts: Uint32Array
}

const ALL_THRESHOLDS = (1 << IOU_THRESHOLDS.length) - 1

export function matchCoco(input: EvaluationInput): MatchTable {
  const { images, categories, truth, found, most = MOST_DETECTIONS } = input
  const truths = groupRows(truth, images, categories)
  const detections = groupRows(found, images, categories)
  const table = emptyTable(input)
  const group = new GroupMatcher(input, table)
  const kept: number[] = []
  for (let category = 0; category < categories; category++) {
    const first = kept.length
    for (let image = 0; image < images; image++) {
      const key = category * images + image
      const dets = detections.rows.subarray(detections.starts[key], detections.starts[key + 1])
      const objects = truths.rows.subarray(truths.starts[key], truths.starts[key + 1])
      if (dets.length === 0 && objects.length === 0) {
        continue
      }
      sortByScore(dets, found.score)
      for (let place = 0; place < dets.length; place++) {
        table.rank[dets[place]!] = place
        if (place < most) {
          kept.push(dets[place]!)
        }
      }
      group.match(category, dets.subarray(0, most), objects)
    }
    const sorted = Uint32Array.from({ length: kept.length - first }, (_, i) => i)
    sorted.sort((a, b) => found.score[kept[first + b]!]! - found.score[kept[first + a]!]! || a - b)
    const rows = Array.from(sorted, (place) => kept[first + place]!)
    for (let i = 0; i < rows.length; i++) {
      kept[first + i] = rows[i]!
    }
    table.categoryStarts[category + 1] = kept.length
  }
  table.order = Uint32Array.from(kept)
  return table
}

function emptyTable({ categories, found }: EvaluationInput): MatchTable {
  const area = (): AreaMatches => ({
    matched: new Uint16Array(found.count),
    ignored: new Uint16Array(found.count),
    truths: new Uint32Array(categories),
  })
  return {
    areas: { all: area(), small: area(), medium: area(), large: area() },
    truthAt50: new Int32Array(found.count).fill(-1),
    rank: new Uint32Array(found.count),
    order: new Uint32Array(0),
    categoryStarts: new Uint32Array(categories + 1),
  }
}

/** Best first; equal scores keep their order in the table, as NumPy's merge sort does. */
function sortByScore(rows: Uint32Array, score: Float64Array): void {
  if (rows.length > 1) {
    rows.sort((a, b) => score[b]! - score[a]! || a - b)
  }
}

/** Matches one picture and category after another with buffers that are made once. */
class GroupMatcher {
  readonly #input: EvaluationInput
  readonly #table: MatchTable
  #ious = new Float64Array(256)
  #best = new Float64Array(MOST_DETECTIONS)

  constructor(input: EvaluationInput, table: MatchTable) {
    this.#input = input
    this.#table = table
  }

  match(category: number, dets: Uint32Array, objects: Uint32Array): void {
    if (objects.length > 0) {
      this.#computeIous(dets, objects)
    }
    for (const name of AREA_NAMES) {
      this.#matchArea(name, category, dets, objects)
    }
  }

  /** IoU of every detection with every object, detections in rows, in the arithmetic of `bbIou` (maskApi.c). */
  #computeIous(dets: Uint32Array, objects: Uint32Array): void {
    const { truth, found, overlap } = this.#input
    const needed = dets.length * objects.length
    if (this.#ious.length < needed) {
      this.#ious = new Float64Array(needed * 2)
    }
    for (let d = 0; d < dets.length; d++) {
      const det = dets[d]!
      const x = found.x[det]!
      const y = found.y[det]!
      const right = found.width[det]! + x
      const bottom = found.height[det]! + y
      const detArea = found.width[det]! * found.height[det]!
      let best = 0
      for (let g = 0; g < objects.length; g++) {
        const object = objects[g]!
        const width = Math.min(right, truth.width[object]! + truth.x[object]!) - Math.max(x, truth.x[object]!)
        const height =
          Math.min(bottom, truth.height[object]! + truth.y[object]!) - Math.max(y, truth.y[object]!)
        let iou = 0
        if (overlap !== undefined) {
          iou = overlap(det, object)
        } else if (width > 0 && height > 0) {
          const common = width * height
          const union = truth.crowd[object]
            ? detArea
            : detArea + truth.width[object]! * truth.height[object]! - common
          iou = common / union
        }
        this.#ious[d * objects.length + g] = iou
        if (iou > best) {
          best = iou
        }
      }
      this.#best[d] = best
    }
  }

  #matchArea(name: AreaName, category: number, dets: Uint32Array, objects: Uint32Array): void {
    const { truth, found, foundArea } = this.#input
    const { matched, ignored, truths } = this.#table.areas[name]
    const [low, high] = AREA_RANGES[name]
    const counting: number[] = []
    const uncounted: number[] = []
    for (let g = 0; g < objects.length; g++) {
      const object = objects[g]!
      const outside = truth.area[object]! < low || truth.area[object]! > high
      const skipped = truth.crowd[object] || truth.ignore[object] || outside
      if (skipped) {
        uncounted.push(g)
      } else {
        counting.push(g)
      }
    }
    truths[category]! += counting.length
    if (objects.length > 0) {
      this.#matchThresholds(name, dets, objects, counting, uncounted)
    }
    for (let d = 0; d < dets.length; d++) {
      const det = dets[d]!
      const area = foundArea?.[det] ?? found.width[det]! * found.height[det]!
      if (area < low || area > high) {
        ignored[det]! |= ALL_THRESHOLDS & ~matched[det]!
      }
    }
  }

  #matchThresholds(
    name: AreaName,
    dets: Uint32Array,
    objects: Uint32Array,
    counting: number[],
    uncounted: number[],
  ): void {
    const { crowd } = this.#input.truth
    const { matched, ignored } = this.#table.areas[name]
    const places = [...counting, ...uncounted]
    const width = objects.length
    // Bit t of an entry: the object is taken at threshold t.
    const taken = new Uint16Array(width)
    for (let d = 0; d < dets.length; d++) {
      const det = dets[d]!
      const row = d * width
      for (let t = 0; t < IOU_THRESHOLDS.length; t++) {
        // pycocotools starts from min(t, 1 − 1e-10), which no threshold here reaches.
        let iou = IOU_THRESHOLDS[t]!
        if (this.#best[d]! < iou) {
          break
        }
        const bit = 1 << t
        let match = -1
        for (let p = 0; p < width; p++) {
          const g = places[p]!
          // Objects that count come first: once one of them fits, ignored ones are not asked.
          if (p === counting.length && match >= 0) {
            break
          }
          if (taken[g]! & bit && !crowd[objects[g]!]) {
            continue
          }
          const value = this.#ious[row + g]!
          if (value < iou) {
            continue
          }
          iou = value
          match = p
        }
        if (match < 0) {
          continue
        }
        const g = places[match]!
        taken[g]! |= bit
        matched[det]! |= bit
        if (match >= counting.length) {
          ignored[det]! |= bit
        }
        if (t === 0 && name === 'all') {
          this.#table.truthAt50[det] = objects[g]!
        }
      }
    }
  }
}
