/** What `COCOeval.accumulate` of pycocotools makes of the matches of one category. */
import { type AreaMatches, IOU_THRESHOLDS, type MatchTable, RECALL_THRESHOLDS } from './coco-match.ts'

export interface AreaResult {
  /** For each IoU threshold; undefined without ground truth. */
  ap: Float64Array | undefined
  recall: Float64Array | undefined
}

/**
 * One category and area range at every IoU threshold. `curve` receives precision over recall at IoU 0.50.
 *
 * Precision is made monotone from the right and read at the 101 recall thresholds. Only true positives are
 * kept: a false positive never raises precision, and no recall threshold is first reached at one.
 */
export function accumulate(
  rows: Uint32Array,
  at: AreaMatches,
  truths: number,
  curve?: Float64Array,
): AreaResult {
  if (truths === 0) {
    return { ap: undefined, recall: undefined }
  }
  const ap = new Float64Array(IOU_THRESHOLDS.length)
  const recall = new Float64Array(IOU_THRESHOLDS.length)
  const precision = new Float64Array(Math.min(rows.length, truths))
  for (let t = 0; t < IOU_THRESHOLDS.length; t++) {
    const bit = 1 << t
    let hits = 0
    let misses = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (at.ignored[row]! & bit) {
        continue
      }
      if (at.matched[row]! & bit) {
        hits++
        // NumPy's spacing(1) in the divisor is pycocotools' guard against 0 / 0; it shows in the last digits.
        precision[hits - 1] = hits / (misses + hits + Number.EPSILON)
      } else {
        misses++
      }
    }
    for (let i = hits - 1; i > 0; i--) {
      if (precision[i]! > precision[i - 1]!) {
        precision[i - 1] = precision[i]!
      }
    }
    recall[t] = hits / truths
    ap[t] = readCurve(precision, hits, truths, t === 0 ? curve : undefined)
  }
  return { ap, recall }
}

/** Mean precision over the recall thresholds; 0 beyond the last recall reached. */
function readCurve(precision: Float64Array, hits: number, truths: number, curve?: Float64Array): number {
  let sum = 0
  let i = 0
  for (let r = 0; r < RECALL_THRESHOLDS.length; r++) {
    while (i < hits && (i + 1) / truths < RECALL_THRESHOLDS[r]!) {
      i++
    }
    if (i === hits) {
      break
    }
    sum += precision[i]!
    if (curve !== undefined) {
      curve[r] = precision[i]!
    }
  }
  return sum / RECALL_THRESHOLDS.length
}

/** Recall at each IoU threshold with at most `most` detections a picture and class. */
export function recallAt(
  rows: Uint32Array,
  matches: MatchTable,
  category: number,
  most: number,
): Float64Array | undefined {
  const { matched, ignored, truths } = matches.areas.all
  const total = truths[category]!
  if (total === 0) {
    return undefined
  }
  const hits = new Float64Array(IOU_THRESHOLDS.length)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (matches.rank[row]! >= most) {
      continue
    }
    const bits = matched[row]! & ~ignored[row]!
    if (bits === 0) {
      continue
    }
    for (let t = 0; t < hits.length; t++) {
      if (bits & (1 << t)) {
        hits[t]!++
      }
    }
  }
  return hits.map((count) => count / total)
}
