import { percent } from '../../system/words.ts'
import type { Comparison } from '../compare.ts'
import type { Evaluation } from '../evaluation.ts'

/** A Markdown table; cells are escaped so that a class name cannot end one. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/[\\|]/g, '\\$&').replace(/\s+/g, ' ')).join(' | ')} |`
  const rule = `| ${head!.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`
  return `${[line(head!), rule, ...body.map(line)].join('\n')}\n`
}

const number = (value: number): string => (value < 0 ? '–' : value.toFixed(4))

/** One row per subject: the table of `boxlet eval A B C --format markdown` and of docs/accuracy.md. */
export function summaryRows(evaluations: readonly Evaluation[], extra: readonly string[][] = []): string[][] {
  const head = ['model', 'AP', 'AP50', 'AP75', 'small', 'medium', 'large', 'AR 100', 'VOC AP50', 'ms']
  const rows = evaluations.map(({ subject, stats, voc, speed }) => [
    subject.name,
    ...[stats.ap, stats.ap50, stats.ap75, stats.apSmall, stats.apMedium, stats.apLarge, stats.ar100].map(
      number,
    ),
    number(voc.apContinuous),
    speed === undefined ? '–' : speed.median.total.toFixed(0),
  ])
  return [head, ...rows, ...extra]
}

/** AP of masks and key points, below that of boxes. */
export const shapeRows = ({ shapes: { masks, keypoints } }: Evaluation): string[][] =>
  [
    { what: 'masks', of: masks },
    { what: 'key points', of: keypoints },
  ].flatMap(({ what, of }) =>
    of === undefined ? [] : [[`AP of ${what}`, ...[of.ap, of.apSmall, of.apMedium, of.apLarge].map(number)]],
  )

export function markdownReport(evaluation: Evaluation): string {
  const { subject, dataset, stats, voc, overall, atThresholds, speed } = evaluation
  const parts = [
    `# ${subject.name} on ${dataset.name}`,
    `${dataset.pictures} pictures, ${dataset.objects} objects of ${dataset.classes} classes, ${dataset.ignoredObjects} ignored.`,
    markdownTable([
      ['', 'all', 'small', 'medium', 'large'],
      ['AP (IoU 0.50–0.95)', ...[stats.ap, stats.apSmall, stats.apMedium, stats.apLarge].map(number)],
      ...shapeRows(evaluation),
      ['AR (100 detections)', ...[stats.ar100, stats.arSmall, stats.arMedium, stats.arLarge].map(number)],
    ]),
    markdownTable([
      ['AP50', 'AP75', 'AR 1', 'AR 10', 'VOC AP50 11-point', 'VOC AP50 continuous'],
      [stats.ap50, stats.ap75, stats.ar1, stats.ar10, voc.ap11, voc.apContinuous].map(number),
    ]),
  ]
  if (overall !== undefined) {
    parts.push(
      '## Thresholds',
      markdownTable([
        ['', 'score', 'F1 %', 'precision %', 'recall %'],
        [
          'one for all classes',
          String(overall.score),
          ...[overall.f1, overall.precision, overall.recall].map(percent),
        ],
        ['one per class', '', ...[atThresholds.f1, atThresholds.precision, atThresholds.recall].map(percent)],
      ]),
    )
  }
  parts.push('## Classes', classRows(evaluation))
  parts.push('## Sizes', sizeRows(evaluation))
  if (evaluation.confusions.length > 0) {
    const rows = evaluation.confusions.map(({ truth, found, count }) => [truth, found, String(count)])
    parts.push('## Taken for another class', markdownTable([['object', 'detected as', 'times'], ...rows]))
  }
  if (speed !== undefined) {
    parts.push(
      '## Speed',
      `${speed.median.total.toFixed(1)} ms a picture (median), run ${speed.median.run.toFixed(1)} ms, decoding ${speed.median.decode.toFixed(1)} ms.`,
    )
  }
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`
}

function classRows({ classes }: Evaluation): string {
  const rows = classes
    .filter((entry) => entry.counts.truths > 0)
    .map(({ category, counts, threshold, ap, ap50 }) => [
      category.name,
      String(counts.truths),
      number(ap),
      number(ap50),
      threshold === undefined ? '–' : String(threshold.score),
      percent(threshold?.f1),
      percent(threshold?.precision),
      percent(threshold?.recall),
    ])
  return markdownTable([
    ['class', 'objects', 'AP', 'AP50', 'threshold', 'F1 %', 'precision %', 'recall %'],
    ...rows,
  ])
}

const sizeRows = ({ sizes }: Evaluation): string =>
  markdownTable([
    ['size', 'objects', 'found', 'recall %', 'false detections'],
    ...sizes.map((row) => [
      row.name,
      String(row.truths),
      String(row.found),
      percent(row.recall),
      String(row.falsePositives),
    ]),
  ])

export function markdownComparison({ a, b, interval, agreement }: Comparison): string {
  const [low, high] = [interval.low, interval.high].map((value) => value.toFixed(4))
  return `${[
    `# ${a.subject.name} and ${b.subject.name} on ${a.dataset.name}`,
    markdownTable(summaryRows([a, b])),
    `AP of ${b.subject.name} minus ${a.subject.name}: ${interval.difference.toFixed(4)}, ${interval.level * 100} % interval ${low} … ${high} (${interval.resamples} bootstrap draws of pictures).`,
    `Agreement at the best thresholds: ${agreement.both} found by both, ${agreement.onlyA} only by ${a.subject.name}, ${agreement.onlyB} only by ${b.subject.name}; F1 ${percent(agreement.f1)} %, mean IoU of the pairs ${agreement.meanIou.toFixed(3)}.`,
  ].join('\n\n')}\n`
}
