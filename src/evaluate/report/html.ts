import { formatProblem } from '../../datasets/problem.ts'
import { percent } from '../../system/words.ts'
import type { Evaluation } from '../evaluation.ts'
import { LEAST_OBJECTS } from '../thresholds.ts'
import { escapeText } from './escape.ts'
import { gallery } from './gallery.ts'
import { shapeRows } from './markdown.ts'
import { folded, htmlTable, page, plot, section, tile } from './page.ts'
import {
  calibrationPlot,
  classBars,
  classCurves,
  confusionPlot,
  precisionRecall,
  sizeBars,
  thresholdPlot,
} from './plots.ts'

/** Problems listed one by one; a set with more of them needs mending, not reading. */
const MAX_PROBLEMS = 200

const number = (value: number | undefined, digits = 3): string =>
  value === undefined || value < 0 ? '–' : value.toFixed(digits)
const withSign = (share: number | undefined): string => (share === undefined ? '–' : `${percent(share)} %`)

/** One self-contained page: nothing is fetched, nothing runs, and it reads well on a phone. */
export async function htmlReport(evaluation: Evaluation, worst = 24): Promise<string> {
  const { subject, dataset } = evaluation
  const title = `${subject.name} on ${dataset.name}`
  const parts = [
    `<h1>${escapeText(title)}</h1>`,
    `<p class="soft">${dataset.pictures} pictures, ${dataset.objects} objects of ${dataset.classes} classes${dataset.ignoredObjects === 0 ? '' : `, ${dataset.ignoredObjects} ignored`}.</p>`,
    headline(evaluation),
    ...(await evaluationSections(evaluation, worst)),
    notes(evaluation),
    footer(evaluation),
  ]
  return page(title, parts.join('\n'))
}

const HOW_TO_KEEP_THRESHOLDS = 'Write the thresholds into the contract with <code>--write-thresholds</code>.'

/**
 * Everything about one evaluation but title and headline, for pages that tell more than that.
 *
 * @param aboutThresholds a sentence of HTML: what to do with the best thresholds
 */
export async function evaluationSections(
  evaluation: Evaluation,
  worst: number,
  aboutThresholds = HOW_TO_KEEP_THRESHOLDS,
): Promise<string[]> {
  return [
    section('Which threshold to use', await thresholdSection(evaluation, aboutThresholds)),
    section('Where it fails', await gallery(evaluation, worst)),
    section('Classes', await classSection(evaluation)),
    section('Scores and sizes', await scoreSection(evaluation)),
    section('All numbers', numberSection(evaluation)),
  ]
}

function headline({ stats, atThresholds, speed }: Evaluation): string {
  const tiles = [
    tile(number(stats.ap), 'AP, the COCO average'),
    tile(number(stats.ap50), 'AP50, loose boxes'),
    tile(withSign(atThresholds.precision), 'of what it says is right'),
    tile(withSign(atThresholds.recall), 'of the objects are found'),
    ...(speed === undefined ? [] : [tile(`${speed.median.total.toFixed(0)} ms`, 'a picture')]),
  ]
  return `<div class="tiles">${tiles.join('')}</div>`
}

async function thresholdSection(evaluation: Evaluation, aboutThresholds: string): Promise<string> {
  const { overall, atThresholds } = evaluation
  if (overall === undefined) {
    return '<p>Not one detection is right, so no threshold is better than another.</p>'
  }
  const rows = [
    ['', 'threshold', 'F1', 'precision', 'recall'],
    [
      'one for all classes',
      String(overall.score),
      withSign(overall.f1),
      withSign(overall.precision),
      withSign(overall.recall),
    ],
    [
      'one per class, below',
      '',
      withSign(atThresholds.f1),
      withSign(atThresholds.precision),
      withSign(atThresholds.recall),
    ],
  ]
  return `<p>The best threshold has the highest F1 at IoU 0.50. Classes with fewer than ${LEAST_OBJECTS} objects use the common one. ${aboutThresholds}</p>
${htmlTable(rows)}
<div class="plots">${plot(await thresholdPlot(evaluation), 'All classes together: F1, precision and recall at each score threshold. The dashed line is the best threshold.')}
${plot(await precisionRecall(evaluation), 'Precision over recall at IoU 0.50.')}</div>`
}

async function classSection(evaluation: Evaluation): Promise<string> {
  const present = evaluation.classes
    .filter((entry) => entry.counts.truths > 0)
    .sort((a, b) => b.counts.truths - a.counts.truths)
  const rows = present.map(({ category, counts, ap, ap50, threshold }) => [
    category.name,
    String(counts.truths),
    number(ap),
    number(ap50),
    threshold === undefined ? '–' : String(threshold.score),
    withSign(threshold?.f1),
    withSign(threshold?.precision),
    withSign(threshold?.recall),
  ])
  const head = ['class', 'objects', 'AP', 'AP50', 'threshold', 'F1', 'precision', 'recall']
  const confused = evaluation.confusions.map(({ truth, found, count }) => [truth, found, String(count)])
  return `<div class="plots">${plot(await classBars(evaluation), 'AP of the classes with the most objects.')}
${matrix(await confusionPlot(evaluation, 'count'), await confusionPlot(evaluation, 'share'))}</div>
${folded('F1, precision and recall of the classes over the threshold', `<div class="plots">${(await classCurves(evaluation)).map((svg) => plot(svg, 'The classes with the most objects, and all together.')).join('\n')}</div>`)}
${htmlTable([head, ...rows])}
${confused.length === 0 ? '' : folded('Taken for another class', htmlTable([['object', 'detected as', 'times'], ...confused]))}`
}

/** The matrix of confusion in counts and in shares of its rows, one at a time. */
const matrix = (counts: string, shares: string): string =>
  `<div class="matrix"><fieldset class="choose"><legend>Numbers</legend><label><input type="radio" name="matrix" checked><span>objects</span></label><label><input type="radio" name="matrix" id="matrix-shares"><span>shares of the row</span></label></fieldset>
<div class="counts">${plot(counts, MATRIX)}</div><div class="shares">${plot(shares, MATRIX)}</div></div>`
const MATRIX =
  'Rows are objects, columns what they were detected as, at the best thresholds. Shade is the share of the row.'

async function scoreSection(evaluation: Evaluation): Promise<string> {
  const { calibration, sizes } = evaluation
  const rows = sizes.map((row) => [
    row.name,
    String(row.truths),
    String(row.found),
    withSign(row.recall),
    String(row.falsePositives),
  ])
  return `<div class="plots">${plot(await calibrationPlot(evaluation), `Of the detections with such a score, how many are right. On the dashed line a score is a probability; the mean gap is ${calibration.error.toFixed(3)}.`)}
${plot(await sizeBars(evaluation), 'Found at the best thresholds. Small is below 32² square pixels, large above 96².')}</div>
${htmlTable([['size', 'objects', 'found', 'recall', 'false detections'], ...rows])}`
}

function numberSection(evaluation: Evaluation): string {
  const { stats, voc, speed } = evaluation
  const coco = [
    ['', 'all', 'small', 'medium', 'large'],
    [
      'AP, IoU 0.50–0.95',
      ...[stats.ap, stats.apSmall, stats.apMedium, stats.apLarge].map((value) => number(value, 4)),
    ],
    ...shapeRows(evaluation),
    [
      'AR, 100 detections',
      ...[stats.ar100, stats.arSmall, stats.arMedium, stats.arLarge].map((value) => number(value, 4)),
    ],
  ]
  const more = [
    ['AP50', 'AP75', 'AR 1', 'AR 10', 'VOC AP50, 11-point', 'VOC AP50, continuous'],
    [stats.ap50, stats.ap75, stats.ar1, stats.ar10, voc.ap11, voc.apContinuous].map((value) =>
      number(value, 4),
    ),
  ]
  const times =
    speed === undefined
      ? ''
      : htmlTable([
          ['milliseconds', 'decode', 'prepare', 'run', 'boxes', 'total', 'total, 90 %'],
          [
            'median',
            ...[
              speed.median.decode,
              speed.median.prepare,
              speed.median.run,
              speed.median.boxes,
              speed.median.total,
              speed.p90Total,
            ].map((value) => value.toFixed(1)),
          ],
        ])
  return `${htmlTable(coco)}\n${htmlTable(more)}\n${times}`
}

export function notes({ dataset, problems, unusedLabels, missingCategories }: Evaluation): string {
  const parts = dataset.notes.map((note) => `<p>${escapeText(note)}</p>`)
  if (missingCategories.length > 0) {
    parts.push(
      `<p>The model has no label for ${missingCategories.length} classes of the data set, which count as missed: ${escapeText(some(missingCategories))}.</p>`,
    )
  }
  if (unusedLabels.length > 0) {
    parts.push(
      `<p>The data set does not have ${unusedLabels.length} labels of the model; what is found under them is not judged: ${escapeText(some(unusedLabels))}.</p>`,
    )
  }
  if (problems.length > 0) {
    const lines = problems
      .slice(0, MAX_PROBLEMS)
      .map((problem) => escapeText(formatProblem(problem)))
      .join('<br>')
    const more = problems.length > MAX_PROBLEMS ? `<br>… and ${problems.length - MAX_PROBLEMS} more` : ''
    parts.push(
      folded(`${problems.length} problems of the data set`, `<p class="problems">${lines}${more}</p>`),
    )
  }
  return parts.length === 0 ? '' : section('Notes', parts.join('\n'))
}

const some = (names: readonly string[]): string =>
  `${names.slice(0, 30).join(', ')}${names.length > 30 ? ', …' : ''}`

export function footer({ subject, options }: Evaluation): string {
  const facts = [
    subject.family === undefined ? undefined : `family ${subject.family}`,
    subject.licence === undefined ? undefined : `licence ${subject.licence}`,
    subject.sha256 === undefined ? undefined : `SHA-256 ${subject.sha256}`,
    `score threshold ${options.minScore ?? '–'}`,
    options.iou === undefined ? undefined : `suppression IoU ${options.iou}`,
    options.maxDetections === undefined ? undefined : `at most ${options.maxDetections} detections a picture`,
  ].filter((fact) => fact !== undefined)
  return `<footer>${escapeText(facts.join(' · '))}. Metrics by the definition of pycocotools. Made by Boxlet.</footer>`
}
