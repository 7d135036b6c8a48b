import { type Agreement, agree, type BoxSet, type PictureAgreement } from './agreement.ts'
import { bootstrapDifference, type Interval } from './bootstrap.ts'
import type { Evaluation } from './evaluation.ts'

/** Two subjects on the same pictures of the same data set. */
export interface Comparison {
  a: Evaluation
  b: Evaluation
  interval: Interval
  agreement: Agreement
  /** Pictures on which they differ most first. */
  pictures: PictureAgreement[]
  /** AP of B minus AP of A for each class with objects, largest change first. */
  classes: { name: string; a: number; b: number; difference: number }[]
}

/** @throws when the two were not measured on the same pictures */
export function compare(a: Evaluation, b: Evaluation, resamples?: number): Comparison {
  const interval = bootstrapDifference(a.work, b.work, resamples)
  const pictures = a.work.judged.map((picture, i) => agree(picture.image, boxes(a, i), boxes(b, i)))
  const classes = a.classes
    .map((entry, i) => ({
      name: entry.category.name,
      a: entry.ap,
      b: b.classes[i]!.ap,
      counts: entry.counts,
    }))
    .filter((entry) => entry.counts.truths > 0)
    .map(({ name, a: first, b: second }) => ({ name, a: first, b: second, difference: second - first }))
    .sort((x, y) => Math.abs(y.difference) - Math.abs(x.difference))
  return { a, b, interval, agreement: sumAgreement(pictures), pictures: byDifference(pictures), classes }
}

/** Detections of a picture at the best thresholds. */
const boxes = (evaluation: Evaluation, picture: number): BoxSet =>
  evaluation.work.judged[picture]!.boxes.filter((box) => box.kind === 'hit' || box.kind === 'false').map(
    (box) => ({ ...box, label: evaluation.classes[box.category]!.category.name, score: box.score ?? 0 }),
  )

export function sumAgreement(pictures: readonly PictureAgreement[]): Agreement {
  const sum = (of: (picture: PictureAgreement) => number) =>
    pictures.reduce((total, picture) => total + of(picture), 0)
  const both = sum((picture) => picture.both.length)
  const onlyA = sum((picture) => picture.onlyA.length)
  const onlyB = sum((picture) => picture.onlyB.length)
  const all = 2 * both + onlyA + onlyB
  return {
    both,
    onlyA,
    onlyB,
    f1: all === 0 ? 1 : (2 * both) / all,
    meanIou:
      both === 0 ? 0 : sum((picture) => picture.both.reduce((total, pair) => total + pair.iou, 0)) / both,
    meanScoreDifference:
      both === 0
        ? 0
        : sum((picture) => picture.both.reduce((total, { a, b }) => total + Math.abs(a.score - b.score), 0)) /
          both,
  }
}

export const byDifference = (pictures: readonly PictureAgreement[]): PictureAgreement[] =>
  [...pictures]
    .filter((picture) => picture.onlyA.length + picture.onlyB.length > 0)
    .sort((a, b) => weight(b) - weight(a) || a.image - b.image)

/** Differences weigh as much as they are sure of themselves. */
const weight = ({ onlyA, onlyB }: PictureAgreement): number =>
  [...onlyA, ...onlyB].reduce((sum, box) => sum + box.score, 0)
