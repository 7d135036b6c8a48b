import { BoxletError } from '../errors.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import type { Decision, FoundPicture, JobPicture } from './job.ts'

/** Pictures in which `least` to `most` objects of a label reach a score. */
export interface SearchTerm {
  label: string
  minScore: number
  /** Zero is absence, and then `most` is given. */
  least: number
  most?: number
}

export interface SearchQuery {
  terms: readonly SearchTerm[]
  /** SHA-256 of the model file, or the beginning of one. */
  model?: string
  verdict?: 'deny' | 'review'
  uncertain?: boolean
  /** What a person said; open where nobody has said anything. */
  review?: Decision | 'open'
  /** When the picture was done. Milliseconds since 1970; `until` itself is left out. */
  since?: number
  until?: number
  limit: number
  cursor?: string
}

/** A picture that was found, newest first. */
export interface Found {
  job: string
  picture: JobPicture
}

/**
 * One entry of the index: the object of a label with the `rank`-th best score in its picture. "Two dogs above 0.6"
 * is then one range of it, the pictures whose second dog reaches 0.6, whatever score is asked for.
 */
export interface RankedScore {
  label: string
  /** From 1. */
  rank: number
  score: number
}

/** Whether a person has said of a picture what is looked for. */
export const fitsReview = ({ review: wanted }: SearchQuery, { review }: FoundPicture): boolean =>
  wanted === undefined || (review?.decision ?? 'open') === wanted

/** Tenths of a score. A range of scores is at most ten ranges of the index, each in order of time. */
export const bucketOf = (score: number): number => Math.min(9, Math.max(0, Math.floor(score * 10)))

/** What the index holds of one picture. */
export function rankedScores(detections: readonly { label: string; score: number }[]): RankedScore[] {
  const byLabel = new Map<string, number[]>()
  for (const { label, score } of detections) {
    const scores = byLabel.get(label)
    if (scores === undefined) {
      byLabel.set(label, [score])
    } else {
      scores.push(score)
    }
  }
  return [...byLabel].flatMap(([label, scores]) =>
    scores
      .sort((a, b) => b - a)
      .slice(0, JOB_DEFAULTS.mostRank + 1)
      .map((score, index) => ({ label, rank: index + 1, score })),
  )
}

/**
 * Reads a count such as `2`, `>=2`, `<3` or `0`.
 *
 * @throws BoxletError USAGE
 */
export function parseCount(text: string): { least: number; most?: number } {
  const match = /^\s*(>=|<=|>|<|==?)?\s*(\d{1,4})\s*$/.exec(text)
  const number = Number(match?.[2])
  const range =
    match === null
      ? undefined
      : match[1] === '>='
        ? { least: number }
        : match[1] === '>'
          ? { least: number + 1 }
          : match[1] === '<='
            ? { least: 0, most: number }
            : match[1] === '<'
              ? { least: 0, most: number - 1 }
              : { least: number, most: number }
  const greatest = Math.max(range?.least ?? 0, range?.most ?? 0)
  if (range === undefined || (range.most ?? 0) < 0 || greatest > JOB_DEFAULTS.mostRank) {
    throw new BoxletError(
      'USAGE',
      `Expected a count such as ">=2", "<3" or "0" of at most ${JOB_DEFAULTS.mostRank} but received "${text.slice(0, 20)}".`,
    )
  }
  return range
}
