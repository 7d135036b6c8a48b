/** How many objects of each size are found at the chosen thresholds. Sizes are COCO's, in pixels of the picture. */

import type { MatchTable } from './coco-match.ts'
import { AREA_RANGES } from './coco-match.ts'
import type { EvaluationInput } from './tables.ts'

export interface SizeRow {
  name: 'small' | 'medium' | 'large'
  truths: number
  found: number
  recall: number
  /** Detections of this size that hit nothing. */
  falsePositives: number
}

export function sizeBreakdown(
  { truth, found }: EvaluationInput,
  matches: MatchTable,
  thresholds: readonly number[],
): SizeRow[] {
  const sizeOf = (area: number) =>
    area <= AREA_RANGES.small[1] ? 'small' : area <= AREA_RANGES.medium[1] ? 'medium' : 'large'
  const rows = (['small', 'medium', 'large'] as const).map((name) => ({
    name,
    truths: 0,
    found: 0,
    falsePositives: 0,
  }))
  const of = (area: number) => rows.find((row) => row.name === sizeOf(area))!
  for (let row = 0; row < truth.count; row++) {
    if (!truth.crowd[row] && !truth.ignore[row]) {
      of(truth.area[row]!).truths++
    }
  }
  const { matched, ignored } = matches.areas.all
  for (const row of matches.order) {
    if (ignored[row]! & 1 || found.score[row]! < thresholds[found.category[row]!]!) {
      continue
    }
    if (matched[row]! & 1) {
      of(truth.area[matches.truthAt50[row]!]!).found++
    } else {
      of(found.width[row]! * found.height[row]!).falsePositives++
    }
  }
  return rows.map((row) => ({ ...row, recall: row.truths === 0 ? 0 : row.found / row.truths }))
}
