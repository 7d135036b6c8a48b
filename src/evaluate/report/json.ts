import type { Comparison } from '../compare.ts'
import type { Evaluation } from '../evaluation.ts'
import { worstPictures } from '../worst-pictures.ts'

/** The form of `report.json` and of `boxlet eval --format json`; documented in docs/evaluation.md. */
export function jsonReport(evaluation: Evaluation, worst = 24): Record<string, unknown> {
  const { classes, confusion, work, subject, dataset, options, ...rest } = evaluation
  const names = classes.map((entry) => entry.category.name)
  const cells: [string, string, number][] = []
  confusion.cells.forEach((count, at) => {
    const [truth, found] = [Math.floor(at / confusion.size), at % confusion.size]
    if (count > 0) {
      cells.push([names[truth] ?? NOTHING, names[found] ?? NOTHING, count])
    }
  })
  const { score: _, ...atThresholds } = rest.atThresholds
  return {
    version: 1,
    subject,
    dataset,
    options,
    stats: rest.stats,
    ...rest.shapes,
    voc: rest.voc,
    overall: rest.overall ?? null,
    atThresholds,
    classes: classes.map(({ category, threshold, ...numbers }) => ({
      id: category.id,
      name: category.name,
      ...numbers,
      threshold: threshold ?? null,
    })),
    precision50: rest.precision50,
    curve: rest.curve,
    confusion: cells,
    calibration: rest.calibration,
    sizes: rest.sizes,
    speed: rest.speed ?? null,
    worst: worstPictures(work.judged, worst).map(({ image, hits, misses, falsePositives }) => ({
      picture: work.images[image]!.fileName,
      hits,
      misses,
      falsePositives,
    })),
    problems: rest.problems,
    unusedLabels: rest.unusedLabels,
    missingCategories: rest.missingCategories,
  }
}

/** Row and column of the confusion matrix where no object or no detection is. */
export const NOTHING = '(nothing)'

/** The form of `comparison.json`. */
export const jsonComparison = ({ a, b, interval, agreement, pictures, classes }: Comparison): object => ({
  version: 1,
  a: a.subject,
  b: b.subject,
  dataset: a.dataset,
  stats: { a: a.stats, b: b.stats },
  interval,
  agreement,
  classes,
  pictures: pictures.map(({ image, both, onlyA, onlyB }) => ({
    picture: a.work.images[image]!.fileName,
    both: both.length,
    onlyA: onlyA.length,
    onlyB: onlyB.length,
  })),
})
