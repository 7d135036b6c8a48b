import { alignColumns, percent } from '../../system/words.ts'
import type { CocoStats } from '../coco.ts'
import type { Comparison } from '../compare.ts'
import type { Evaluation, Speed } from '../evaluation.ts'
import { summaryRows } from './markdown.ts'

const ap = (value: number): string => (value < 0 ? '–' : value.toFixed(4))

/** A table with names to the left and numbers to the right. */
export const table = (rows: readonly (readonly string[])[]): string =>
  `${alignColumns(rows, (column) => column > 0).join('\n')}\n`

/** What the terminal shows of one evaluation. `most` classes at most, those with the most objects. */
export function textReport(evaluation: Evaluation, most = 25): string {
  const { stats, voc, dataset, overall, atThresholds, subject } = evaluation
  const lines = [
    `${subject.name} on ${dataset.name}: ${dataset.pictures} pictures, ${dataset.objects} objects, ${dataset.classes} classes`,
    '',
    table([
      ['AP', 'AP50', 'AP75', 'small', 'medium', 'large'],
      [stats.ap, stats.ap50, stats.ap75, stats.apSmall, stats.apMedium, stats.apLarge].map(ap),
    ]),
    table([
      ['AR 1', 'AR 10', 'AR 100', 'small', 'medium', 'large'],
      [stats.ar1, stats.ar10, stats.ar100, stats.arSmall, stats.arMedium, stats.arLarge].map(ap),
    ]),
    ...shapeRows(evaluation).map(([what, numbers]) => `${what.padEnd(9)} ${numbers}`),
    `VOC AP50  11-point ${ap(voc.ap11)}, continuous ${ap(voc.apContinuous)}`,
  ]
  if (overall !== undefined) {
    lines.push(
      `Threshold ${overall.score} for all classes: F1 ${percent(overall.f1)} %, precision ${percent(overall.precision)} %, recall ${percent(overall.recall)} %`,
      `          one per class: F1 ${percent(atThresholds.f1)} %, precision ${percent(atThresholds.precision)} %, recall ${percent(atThresholds.recall)} %`,
    )
  }
  lines.push('', classTable(evaluation, most))
  if (evaluation.confusions.length > 0) {
    const pairs = evaluation.confusions
      .slice(0, 5)
      .map(({ truth, found, count }) => `${truth} → ${found} ${count}×`)
    lines.push(`Confused  ${pairs.join(', ')}`)
  }
  if (evaluation.speed !== undefined) {
    lines.push(`Speed     ${speedLine(evaluation.speed)}`)
  }
  lines.push(...noteLines(evaluation))
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`
}

/** One line for masks and one for key points, where there are any. */
function shapeRows({ shapes: { masks, keypoints } }: Evaluation): [string, string][] {
  const line = (of: CocoStats, small: string) =>
    `AP ${ap(of.ap)}, AP50 ${ap(of.ap50)}, AP75 ${ap(of.ap75)}, ${small}medium ${ap(of.apMedium)}, large ${ap(of.apLarge)}`
  return [
    ...(masks === undefined
      ? []
      : [['Masks', line(masks, `small ${ap(masks.apSmall)}, `)] as [string, string]]),
    ...(keypoints === undefined ? [] : [['Points', line(keypoints, '')] as [string, string]]),
  ]
}

/** What keeps the numbers from telling the whole story. */
function noteLines({ missingCategories, unusedLabels, subject, dataset, work }: Evaluation): string[] {
  const some = (names: readonly string[]) => `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`
  const lines = dataset.notes.map((note) => `Note      ${note}`)
  if (dataset.objects === 0) {
    lines.push('Note      the data set has no objects to find; boxlet diff compares models without labels')
  } else if (work.input.found.count === 0) {
    lines.push(`Note      ${subject.name} found nothing at all; boxlet model doctor looks for the reason`)
  }
  if (missingCategories.length > 0) {
    lines.push(
      `Note      ${subject.name} has no label for ${missingCategories.length} classes, which count as missed: ${some(missingCategories)}`,
    )
  }
  if (unusedLabels.length > 0) {
    lines.push(
      `Note      the data set does not have ${unusedLabels.length} labels of ${subject.name}: ${some(unusedLabels)}`,
    )
  }
  return lines
}

/** One sentence about time. */
function speedLine({ median, pictures, cached, perSecond, jobs }: Speed): string {
  const rate =
    perSecond === undefined
      ? ''
      : `; ${perSecond.toFixed(1)} pictures/s${jobs === undefined ? '' : ` with ${jobs} at once`}`
  const kept = cached === 0 ? '' : `; ${cached} of ${pictures} results kept from before`
  return `${median.total.toFixed(1)} ms a picture, of which the run takes ${median.run.toFixed(1)} ms (medians${rate}${kept})`
}

function classTable({ classes }: Evaluation, most: number): string {
  const present = classes.filter((entry) => entry.counts.truths > 0)
  const shown = [...present].sort((a, b) => b.counts.truths - a.counts.truths).slice(0, most)
  const rows = shown.map(({ category, counts, ap: mean, ap50, threshold }) => [
    category.name,
    String(counts.truths),
    ap(mean),
    ap(ap50),
    threshold === undefined ? '–' : String(threshold.score),
    percent(threshold?.f1 ?? -1),
    percent(threshold?.precision ?? -1),
    percent(threshold?.recall ?? -1),
  ])
  const head = ['class', 'objects', 'AP', 'AP50', 'threshold', 'F1 %', 'precision', 'recall']
  const more = present.length > shown.length ? `… and ${present.length - shown.length} classes more\n` : ''
  return table([head, ...rows]) + more
}

const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(4)}`

/** What the terminal shows of two subjects. */
export function textComparison({ a, b, interval, agreement, classes }: Comparison): string {
  const [first, second] = [a.subject.name, b.subject.name]
  const changed = classes.filter((entry) => entry.difference !== 0).slice(0, 10)
  return `${[
    `${first} and ${second} on ${a.dataset.name}: ${a.dataset.pictures} pictures, ${a.dataset.objects} objects`,
    '',
    table(summaryRows([a, b])),
    `AP of ${second} minus ${first}: ${signed(interval.difference)}, ${interval.level * 100} % interval ${signed(interval.low)} … ${signed(interval.high)}`,
    `Agreement at the best thresholds: ${agreement.both} found by both, ${agreement.onlyA} only by ${first}, ${agreement.onlyB} only by ${second} (F1 ${percent(agreement.f1)} %)`,
    ...noteLines(a),
    ...noteLines(b),
    '',
    table([
      ['class', first, second, 'difference'],
      ...changed.map((entry) => [entry.name, ap(entry.a), ap(entry.b), signed(entry.difference)]),
    ]),
  ].join('\n')}`
}
