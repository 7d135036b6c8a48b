import type { MatchTable } from './coco-match.ts'
import type { EvaluationInput } from './tables.ts'

/** One box of a picture with what became of it at the chosen thresholds. */
export interface JudgedBox {
  kind: 'hit' | 'false' | 'found' | 'missed'
  /** Index of the category. */
  category: number
  x: number
  y: number
  width: number
  height: number
  /** Detections only. */
  score?: number
}

export interface JudgedPicture {
  /** Index of the picture. */
  image: number
  hits: number
  misses: number
  falsePositives: number
  /** Mistakes, a false detection weighing as much as its score: sure mistakes are the bad ones. */
  badness: number
  boxes: JudgedBox[]
}

/**
 * Judges every picture at the given thresholds, at IoU 0.50. `hit` and `false` are detections, `found` and
 * `missed` objects; ignored ones are left out.
 */
export function judgePictures(
  { images, truth, found }: EvaluationInput,
  matches: MatchTable,
  thresholds: readonly number[],
): JudgedPicture[] {
  const pictures: JudgedPicture[] = Array.from({ length: images }, (_, image) => ({
    image,
    hits: 0,
    misses: 0,
    falsePositives: 0,
    badness: 0,
    boxes: [],
  }))
  const { matched, ignored } = matches.areas.all
  const reached = new Uint8Array(truth.count)
  for (const row of matches.order) {
    const score = found.score[row]!
    if (ignored[row]! & 1 || score < thresholds[found.category[row]!]!) {
      continue
    }
    const hit = (matched[row]! & 1) === 1
    const picture = pictures[found.image[row]!]!
    if (hit) {
      reached[matches.truthAt50[row]!] = 1
      picture.hits++
    } else {
      picture.falsePositives++
      picture.badness += score
    }
    picture.boxes.push({ kind: hit ? 'hit' : 'false', score, ...boxOf(found, row) })
  }
  for (let row = 0; row < truth.count; row++) {
    if (truth.crowd[row] || truth.ignore[row]) {
      continue
    }
    const picture = pictures[truth.image[row]!]!
    if (!reached[row]) {
      picture.misses++
      picture.badness++
    }
    picture.boxes.push({ kind: reached[row] ? 'found' : 'missed', ...boxOf(truth, row) })
  }
  return pictures
}

function boxOf(table: EvaluationInput['truth'] | EvaluationInput['found'], row: number) {
  return {
    category: table.category[row]!,
    x: table.x[row]!,
    y: table.y[row]!,
    width: table.width[row]!,
    height: table.height[row]!,
  }
}

/** Pictures with mistakes, worst first. */
export const worstPictures = (pictures: readonly JudgedPicture[], most: number): JudgedPicture[] =>
  pictures
    .filter((picture) => picture.badness > 0)
    .sort((a, b) => b.badness - a.badness || a.image - b.image)
    .slice(0, most)
