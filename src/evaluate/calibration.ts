/**
 * Whether a score means what it says: of the detections with scores near 0.8, are 80 % right? Right means
 * that the detection hits an object of its class at IoU 0.50.
 */
import type { MatchTable } from './coco-match.ts'
import type { FoundTable } from './tables.ts'

const BINS = 10

export interface CalibrationBin {
  low: number
  high: number
  count: number
  /** Mean score and share of hits in the bin; 0 when it is empty. */
  meanScore: number
  precision: number
}

export interface Calibration {
  bins: CalibrationBin[]
  /** Mean gap between score and precision over the detections at or above `from` (expected calibration error). */
  error: number
  from: number
}

/**
 * @param from detections below this score are left out of `error`: evaluation asks for scores from 0.001, and
 * tens of thousands of hopeless boxes would hide the ones that a user sees
 */
export function calibrate(matches: MatchTable, found: FoundTable, from = 0.05): Calibration {
  const counts = new Float64Array(BINS)
  const scores = new Float64Array(BINS)
  const hits = new Float64Array(BINS)
  const { matched, ignored } = matches.areas.all
  let total = 0
  for (const row of matches.order) {
    const score = found.score[row]!
    if (ignored[row]! & 1 || score < from) {
      continue
    }
    const bin = Math.min(BINS - 1, Math.floor(score * BINS))
    counts[bin]!++
    scores[bin]! += score
    hits[bin]! += matched[row]! & 1
    total++
  }
  const bins = Array.from(counts, (count, i) => ({
    low: i / BINS,
    high: (i + 1) / BINS,
    count,
    meanScore: count === 0 ? 0 : scores[i]! / count,
    precision: count === 0 ? 0 : hits[i]! / count,
  }))
  const error = bins.reduce(
    (sum, bin) => sum + (bin.count / total) * Math.abs(bin.meanScore - bin.precision),
    0,
  )
  return { bins, error: total === 0 ? 0 : error, from }
}
