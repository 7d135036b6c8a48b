/**
 * How sure a difference of AP is: pictures are drawn with replacement, AP of both models is computed on the
 * same draw, and the spread of the differences gives the interval. A draw gives each picture a weight (how
 * often it was drawn); matching is per picture, so it is done once and only the sums are done again.
 */
import { seededRandom } from '../datasets/random.ts'
import { IOU_THRESHOLDS, type MatchTable, RECALL_THRESHOLDS } from './coco-match.ts'
import type { EvaluationInput } from './tables.ts'

export interface Interval {
  /** AP of B minus AP of A on the whole set. */
  difference: number
  low: number
  high: number
  /** 0.95 for a 95 % interval. */
  level: number
  resamples: number
  /** Share of draws in which B is better than A. */
  bIsBetter: number
}

export interface Judged {
  input: EvaluationInput
  matches: MatchTable
}

const LEVEL = 0.95
const SEED = 20170901

/** Draws that put the ends of a 95 % interval within a few hundredths of its width. */
const MOST_DRAWS = 1000
/** Fewer would leave three draws beyond each end. */
const LEAST_DRAWS = 200
/** Detections looked at in all, some ten seconds: a set of 5,000 pictures gets the fewest draws. */
const WORK = 2e9

const drawsFor = (a: Judged, b: Judged): number => {
  const rows = (a.matches.order.length + b.matches.order.length) * IOU_THRESHOLDS.length
  return Math.round(Math.min(MOST_DRAWS, Math.max(LEAST_DRAWS, WORK / Math.max(1, rows))))
}

/** @param resamples draws; by default 1,000, fewer for large sets, never below 200 */
export function bootstrapDifference(a: Judged, b: Judged, resamples = drawsFor(a, b)): Interval {
  const images = a.input.images
  const ones = new Uint16Array(images).fill(1)
  const [first, second] = [new WeightedAp(a), new WeightedAp(b)]
  const draws = Array.from(
    drawnWeights(images, resamples),
    (weights) => second.ap(weights) - first.ap(weights),
  )
  const differences = draws.sort((x, y) => x - y)
  return {
    difference: second.ap(ones) - first.ap(ones),
    low: shareOf(differences, (1 - LEVEL) / 2),
    high: shareOf(differences, (1 + LEVEL) / 2),
    level: LEVEL,
    resamples,
    bIsBetter: differences.filter((value) => value > 0).length / Math.max(1, differences.length),
  }
}

/** How sure an AP is: the ends of the interval that holds it in 95 of 100 draws of the pictures. */
export interface ApInterval {
  ap: { low: number; high: number }
  ap50: { low: number; high: number }
  level: number
  resamples: number
}

/** The same for the AP of one model. */
export function bootstrapAp(judged: Judged, resamples = drawsFor(judged, judged)): ApInterval {
  const model = new WeightedAp(judged)
  const draws = Array.from(drawnWeights(judged.input.images, resamples), (weights) => ({
    ap: model.ap(weights),
    ap50: model.ap(weights, 1),
  }))
  const ends = (of: (draw: { ap: number; ap50: number }) => number) => {
    const sorted = draws.map(of).sort((x, y) => x - y)
    return { low: shareOf(sorted, (1 - LEVEL) / 2), high: shareOf(sorted, (1 + LEVEL) / 2) }
  }
  return { ap: ends(({ ap }) => ap), ap50: ends(({ ap50 }) => ap50), level: LEVEL, resamples }
}

/** How often each picture was drawn, for every draw. */
function* drawnWeights(images: number, resamples: number): Generator<Uint16Array> {
  const next = seededRandom(SEED)
  for (let i = 0; i < resamples; i++) {
    const weights = new Uint16Array(images)
    for (let draw = 0; draw < images; draw++) {
      weights[Math.floor(next() * images)]!++
    }
    yield weights
  }
}

const shareOf = (sorted: readonly number[], share: number): number =>
  sorted[Math.round(share * (sorted.length - 1))] ?? 0

/** AP over IoU 0.50–0.95 with a weight for each picture. */
export class WeightedAp {
  readonly #judged: Judged
  /** Objects that count, of each category in each picture: category, image, count. */
  readonly #truths: { category: Int32Array; image: Int32Array }
  readonly #hits: Float64Array
  readonly #precision: Float64Array

  constructor(judged: Judged) {
    this.#judged = judged
    const { truth } = judged.input
    const rows = Array.from({ length: truth.count }, (_, row) => row).filter(
      (row) => !truth.crowd[row] && !truth.ignore[row],
    )
    this.#truths = {
      category: Int32Array.from(rows, (row) => truth.category[row]!),
      image: Int32Array.from(rows, (row) => truth.image[row]!),
    }
    this.#hits = new Float64Array(judged.matches.order.length)
    this.#precision = new Float64Array(judged.matches.order.length)
  }

  /** @param thresholds how many of the ten IoU thresholds from 0.50 on; 1 gives AP50 */
  ap(weights: Uint16Array, thresholds = IOU_THRESHOLDS.length): number {
    const { input, matches } = this.#judged
    const totals = new Float64Array(input.categories)
    for (let i = 0; i < this.#truths.image.length; i++) {
      totals[this.#truths.category[i]!]! += weights[this.#truths.image[i]!]!
    }
    let sum = 0
    let classes = 0
    for (let category = 0; category < input.categories; category++) {
      if (totals[category] === 0) {
        continue
      }
      classes++
      const rows = matches.order.subarray(
        matches.categoryStarts[category],
        matches.categoryStarts[category + 1],
      )
      for (let t = 0; t < thresholds; t++) {
        sum += this.#apAt(rows, 1 << t, totals[category]!, weights)
      }
    }
    return classes === 0 ? 0 : sum / classes / thresholds
  }

  #apAt(rows: Uint32Array, bit: number, truths: number, weights: Uint16Array): number {
    const { input, matches } = this.#judged
    const { matched, ignored } = matches.areas.all
    const { image } = input.found
    let hits = 0
    let misses = 0
    let count = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const weight = weights[image[row]!]!
      if (weight === 0 || ignored[row]! & bit) {
        continue
      }
      if (!(matched[row]! & bit)) {
        misses += weight
      } else {
        hits += weight
        this.#hits[count] = hits
        this.#precision[count++] = hits / (hits + misses)
      }
    }
    for (let i = count - 1; i > 0; i--) {
      if (this.#precision[i]! > this.#precision[i - 1]!) {
        this.#precision[i - 1] = this.#precision[i]!
      }
    }
    let sum = 0
    let i = 0
    for (let r = 0; r < RECALL_THRESHOLDS.length; r++) {
      while (i < count && this.#hits[i]! / truths < RECALL_THRESHOLDS[r]!) {
        i++
      }
      if (i === count) {
        break
      }
      sum += this.#precision[i]!
    }
    return sum / RECALL_THRESHOLDS.length
  }
}
