import type { Dataset } from '../datasets/dataset.ts'
import type { Problem } from '../datasets/problem.ts'
import { type Agreement, agree, type PictureAgreement, type ScoredBox } from './agreement.ts'
import { byDifference, sumAgreement } from './compare.ts'
import type { SubjectInfo } from './evaluation.ts'
import { mapLabels } from './label-map.ts'
import type { PictureResult } from './run-dataset.ts'

/** One side of a difference: who, and what it found. */
export interface Side {
  info: SubjectInfo
  labels: readonly (string | null)[]
  results: readonly PictureResult[]
}

export interface ClassDifference {
  label: string
  both: number
  onlyA: number
  onlyB: number
}

export interface Difference {
  a: SubjectInfo
  b: SubjectInfo
  /** Pictures that both could read. */
  pictures: number
  agreement: Agreement
  /** Those that differ, most first. */
  differing: PictureAgreement[]
  classes: ClassDifference[]
  problems: Problem[]
}

/**
 * Compares what two detectors find in pictures without labels. Names of classes are matched as in evaluation,
 * so "sofa" and "couch" are one; what only one side can name counts as found only by it.
 *
 * @param renames label of the second to label of the first; null leaves out
 */
export function diff(
  dataset: Dataset,
  a: Side,
  b: Side,
  renames: Record<string, string | null> = {},
  problems: readonly Problem[] = [],
): Difference {
  const known = new Map<string, string>()
  const first = a.labels.length > 0 ? a.labels : seen(a.results)
  const second = b.labels.length > 0 ? b.labels : seen(b.results)
  const categories = [...new Set(first.filter((label) => label !== null))].map((name, id) => ({ id, name }))
  if (categories.length > 0 && second.length > 0) {
    for (const [label, { name }] of mapLabels(second, categories, renames).categories) {
      known.set(label, name)
    }
  }
  const left = new Set(Object.entries(renames).flatMap(([label, name]) => (name === null ? [label] : [])))
  const byImage = new Map(b.results.map((result) => [result.image.id, result]))
  const index = new Map(dataset.images.map((image, i) => [image.id, i]))
  const pairs: PictureAgreement[] = []
  for (const result of a.results) {
    const other = byImage.get(result.image.id)
    if (other === undefined) {
      continue
    }
    const theirs = boxes(other, (label) => (left.has(label) ? undefined : (known.get(label) ?? label)))
    pairs.push(
      agree(
        index.get(result.image.id)!,
        boxes(result, (label) => label),
        theirs,
      ),
    )
  }
  return {
    a: a.info,
    b: b.info,
    pictures: pairs.length,
    agreement: sumAgreement(pairs),
    differing: byDifference(pairs),
    classes: countClasses(pairs),
    problems: [...problems],
  }
}

const seen = (results: readonly PictureResult[]): string[] => [
  ...new Set(results.flatMap((result) => result.detections.map((detection) => detection.label))),
]

function boxes(result: PictureResult, name: (label: string) => string | undefined): ScoredBox[] {
  return result.detections.flatMap(({ label, score, box }) => {
    const known = name(label)
    if (known === undefined) {
      return []
    }
    return [{ label: known, score, x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 }]
  })
}

function countClasses(pairs: readonly PictureAgreement[]): ClassDifference[] {
  const classes = new Map<string, ClassDifference>()
  const count = (label: string, side: 'both' | 'onlyA' | 'onlyB') => {
    if (!classes.has(label)) {
      classes.set(label, { label, both: 0, onlyA: 0, onlyB: 0 })
    }
    classes.get(label)![side]++
  }
  for (const pair of pairs) {
    for (const { a } of pair.both) {
      count(a.label, 'both')
    }
    for (const box of pair.onlyA) {
      count(box.label, 'onlyA')
    }
    for (const box of pair.onlyB) {
      count(box.label, 'onlyB')
    }
  }
  return [...classes.values()].sort(
    (x, y) => y.onlyA + y.onlyB - x.onlyA - x.onlyB || x.label.localeCompare(y.label),
  )
}
