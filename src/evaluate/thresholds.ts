/**
 * The best score threshold of a class: the one with the highest F1 on the data set, at IoU 0.50. Amazon
 * Rekognition Custom Labels chooses its "assumed threshold" so.
 */
import type { MatchTable } from './coco-match.ts'
import type { FoundTable } from './tables.ts'

export interface Threshold {
  /** Detections at or above it are kept. 0–1. */
  score: number
  f1: number
  precision: number
  recall: number
  truePositives: number
  falsePositives: number
  falseNegatives: number
}

/** The best threshold of fewer objects says more about these pictures than about the class. */
export const LEAST_OBJECTS = 5

/** F1 and its parts at one threshold. */
export function atThreshold(
  score: number,
  truePositives: number,
  falsePositives: number,
  truths: number,
): Threshold {
  const falseNegatives = truths - truePositives
  const found = truePositives + falsePositives
  return {
    score,
    truePositives,
    falsePositives,
    falseNegatives,
    precision: found === 0 ? 0 : truePositives / found,
    recall: truths === 0 ? 0 : truePositives / truths,
    f1: truths + found === 0 ? 0 : (2 * truePositives) / (truths + found),
  }
}

/**
 * Best threshold of each category; undefined where no detection hits anything, for there no threshold is better than
 * another. Of equal ones the highest is taken, which keeps the fewest false detections.
 */
export function bestThresholds(matches: MatchTable, found: FoundTable): (Threshold | undefined)[] {
  const { truths } = matches.areas.all
  return Array.from(truths, (total, category) => {
    const rows = matches.order.subarray(
      matches.categoryStarts[category],
      matches.categoryStarts[category + 1],
    )
    return bestOf(rows, matches, found, total)
  })
}

/** Best threshold of all classes together, counting every object alike. */
export function bestOverall(matches: MatchTable, found: FoundTable): Threshold | undefined {
  const rows = matches.order.slice().sort((a, b) => found.score[b]! - found.score[a]! || a - b)
  return bestOf(
    rows,
    matches,
    found,
    matches.areas.all.truths.reduce((sum, count) => sum + count, 0),
  )
}

function bestOf(
  rows: Uint32Array,
  { areas }: MatchTable,
  found: FoundTable,
  truths: number,
): Threshold | undefined {
  let best: Threshold | undefined
  let hits = 0
  let misses = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (!(areas.all.ignored[row]! & 1)) {
      if (areas.all.matched[row]! & 1) {
        hits++
      } else {
        misses++
      }
    }
    const score = found.score[row]!
    const below = i + 1 < rows.length ? found.score[rows[i + 1]!]! : 0
    // A threshold cannot separate equal scores.
    if (below === score || hits === 0) {
      continue
    }
    const f1 = (2 * hits) / (truths + hits + misses)
    if (best === undefined || f1 > best.f1) {
      best = atThreshold(between(below, score), hits, misses, truths)
    }
  }
  return best
}

/** The shortest decimal above `low` and at most `high`, near the middle: it should not hang on one picture. */
function between(low: number, high: number): number {
  const middle = (low + high) / 2
  for (let digits = 2; digits <= 6; digits++) {
    const rounded = Number(middle.toFixed(digits))
    if (rounded > low && rounded <= high) {
      return rounded
    }
  }
  return high
}

const POINTS = 200

/** F1, precision and recall over the threshold, of all classes together. */
export function thresholdCurve(matches: MatchTable, found: FoundTable): Threshold[] {
  const rows = matches.order.slice().sort((a, b) => found.score[b]! - found.score[a]! || a - b)
  const truths = matches.areas.all.truths.reduce((sum, count) => sum + count, 0)
  return curveOf(rows, matches, found, truths)
}

/** The same of one category. */
export function classCurve(matches: MatchTable, found: FoundTable, category: number): Threshold[] {
  const { order, categoryStarts, areas } = matches
  const rows = order.subarray(categoryStarts[category], categoryStarts[category + 1])
  return curveOf(rows, matches, found, areas.all.truths[category]!)
}

/** @param rows of detections, the highest score first */
function curveOf(rows: Uint32Array, { areas }: MatchTable, found: FoundTable, truths: number): Threshold[] {
  const curve: Threshold[] = []
  let hits = 0
  let misses = 0
  let i = 0
  for (let step = POINTS; step >= 1; step--) {
    const score = step / POINTS
    for (; i < rows.length && found.score[rows[i]!]! >= score; i++) {
      if (areas.all.ignored[rows[i]!]! & 1) {
        continue
      }
      if (areas.all.matched[rows[i]!]! & 1) {
        hits++
      } else {
        misses++
      }
    }
    curve.push(atThreshold(score, hits, misses, truths))
  }
  return curve.reverse()
}
