/** Plots as SVG text, drawn by Vega without a browser. Sizes suit a phone; the page scales them. */
import type { Evaluation } from '../evaluation.ts'
import { classCurve } from '../thresholds.ts'
import { NOTHING } from './json.ts'
import { BLUE, bars, draw, frame, GREEN, GREY, HEIGHT, lines, ORANGE, type Row, unit } from './plot-forms.ts'

const CLASS_LINES = 6
const CLASS_COLOURS = ['#20262d', BLUE, ORANGE, GREEN, '#a04a8f', '#7a6a2f', '#4a8f9b']

/** Precision over recall at IoU 0.50: the mean, and the classes with the most objects. */
export function precisionRecall(evaluation: Evaluation): Promise<string> {
  const classes = evaluation.classes
    .filter((entry) => entry.counts.truths > 0)
    .sort((a, b) => b.counts.truths - a.counts.truths)
    .slice(0, CLASS_LINES)
  const curve = (line: string, values: readonly number[]): Row[] =>
    values.map((y, i) => ({ line, x: i / (values.length - 1), y }))
  const mean = 'all classes'
  const order = [mean, ...classes.map((entry) => entry.category.name)]
  const values = [
    curve(mean, evaluation.precision50),
    ...classes.map((entry) => curve(entry.category.name, entry.precision50)),
  ]
  return draw(lines(values.flat(), 'recall', 'precision', CLASS_COLOURS, order))
}

/** F1, precision and recall over the score threshold, with the best one marked. */
export function thresholdPlot({ curve, overall }: Evaluation): Promise<string> {
  const values = curve.flatMap(({ score, f1, precision, recall, truePositives, falsePositives }): Row[] => [
    { line: 'F1', x: score, y: f1 },
    ...(truePositives + falsePositives === 0 ? [] : [{ line: 'precision', x: score, y: precision }]),
    { line: 'recall', x: score, y: recall },
  ])
  const spec = lines(values, 'score threshold', '', ['#20262d', BLUE, ORANGE], ['F1', 'precision', 'recall'])
  if (overall !== undefined) {
    spec.marks!.push({
      type: 'rule',
      encode: {
        enter: {
          x: { scale: 'x', value: overall.score },
          y: { value: 0 },
          y2: { value: HEIGHT },
          stroke: { value: GREY },
          strokeDash: { value: [4, 3] },
        },
      },
    })
  }
  return draw(spec)
}

/** F1, precision and recall over the score threshold, a plot each: all classes, and those with the most objects. */
export function classCurves({ classes, curve, work }: Evaluation): Promise<string[]> {
  const shown = classes
    .map((entry, category) => ({ name: entry.category.name, category, truths: entry.counts.truths }))
    .filter(({ truths }) => truths > 0)
    .sort((a, b) => b.truths - a.truths)
    .slice(0, CLASS_LINES)
  const mean = 'all classes'
  const series = [
    { name: mean, points: curve },
    ...shown.map(({ name, category }) => ({
      name,
      points: classCurve(work.matches, work.input.found, category),
    })),
  ]
  const order = series.map(({ name }) => name)
  return Promise.all(
    (['f1', 'precision', 'recall'] as const).map((number) => {
      const values = series.flatMap(({ name, points }) =>
        points
          // Nothing is found at such a threshold, so nothing of it can be right or wrong.
          .filter((point) => number !== 'precision' || point.truePositives + point.falsePositives > 0)
          .map((point): Row => ({ line: name, x: point.score, y: point[number] })),
      )
      return draw(lines(values, 'score threshold', number === 'f1' ? 'F1' : number, CLASS_COLOURS, order))
    }),
  )
}

/** Share of right detections over their score; a model that means what it says lies on the diagonal. */
export function calibrationPlot({ calibration }: Evaluation): Promise<string> {
  const values = calibration.bins
    .filter((bin) => bin.count > 0)
    .map(({ low, high, precision, count }) => ({ low, high, precision, count }))
  return draw({
    ...frame('score', 'share that is right'),
    data: [{ name: 'bins', values }],
    scales: [unit('x', 'width'), unit('y', 'height')],
    marks: [
      {
        type: 'rect',
        from: { data: 'bins' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'low', offset: 1 },
            x2: { scale: 'x', field: 'high', offset: -1 },
            y: { scale: 'y', field: 'precision' },
            y2: { scale: 'y', value: 0 },
            fill: { value: BLUE },
          },
        },
      },
      {
        type: 'rule',
        encode: {
          enter: {
            x: { scale: 'x', value: 0 },
            x2: { scale: 'x', value: 1 },
            y: { scale: 'y', value: 0 },
            y2: { scale: 'y', value: 1 },
            stroke: { value: '#20262d' },
            strokeDash: { value: [5, 4] },
          },
        },
      },
    ],
  })
}

const CLASS_BARS = 40

/** AP of the classes with the most objects, best first. */
export function classBars({ classes }: Evaluation): Promise<string> {
  const shown = classes
    .filter((entry) => entry.counts.truths > 0)
    .sort((a, b) => b.counts.truths - a.counts.truths)
    .slice(0, CLASS_BARS)
    .sort((a, b) => b.ap - a.ap)
  return draw(
    bars(
      shown.map(({ category, ap }) => ({ name: category.name, value: ap, note: ap.toFixed(2) })),
      'AP',
      BLUE,
    ),
  )
}

export function sizeBars({ sizes }: Evaluation): Promise<string> {
  const rows = sizes.map((row) => ({
    name: row.name,
    value: row.recall,
    note: `${row.found} of ${row.truths}`,
  }))
  return draw(bars(rows, 'share of objects found', GREEN))
}

const MATRIX_CLASSES = 25

/**
 * True class by detected class, only the classes with the most objects.
 *
 * @param text in the cells: objects, or their share of the row
 */
export function confusionPlot({ classes, confusion }: Evaluation, text: 'count' | 'share'): Promise<string> {
  const shown = classes
    .map((entry, index) => ({ name: entry.category.name, index, truths: entry.counts.truths }))
    .filter((entry) => entry.truths > 0)
    .sort((a, b) => b.truths - a.truths)
    .slice(0, MATRIX_CLASSES)
  const axis = [...shown, { name: NOTHING, index: confusion.size - 1, truths: 0 }]
  const values: Row[] = []
  for (const row of axis) {
    const cells = axis.map((column) => confusion.cells[row.index * confusion.size + column.index]!)
    const total = confusion.cells
      .subarray(row.index * confusion.size, (row.index + 1) * confusion.size)
      .reduce((sum, count) => sum + count, 0)
    cells.forEach((count, i) => {
      if (count > 0) {
        const share = count / total
        const shown = text === 'count' ? String(count) : share.toFixed(2)
        values.push({ truth: row.name, found: axis[i]!.name, share, text: shown })
      }
    })
  }
  const edge = Math.max(160, axis.length * 22)
  const names = axis.map((entry) => entry.name)
  return draw({
    width: edge,
    height: edge,
    padding: 8,
    data: [{ name: 'cells', values }],
    scales: [
      { name: 'x', type: 'band', domain: names, range: 'width' },
      { name: 'y', type: 'band', domain: names, range: 'height' },
      { name: 'colour', type: 'linear', domain: [0, 1], range: ['#f2f6fb', '#174a80'] },
    ],
    axes: [
      {
        orient: 'top',
        scale: 'x',
        title: 'detected as',
        labelAngle: -60,
        labelAlign: 'left',
        labelLimit: 90,
      },
      { orient: 'left', scale: 'y', title: 'object', labelLimit: 90 },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'cells' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'found' },
            y: { scale: 'y', field: 'truth' },
            width: { scale: 'x', band: 1 },
            height: { scale: 'y', band: 1 },
            fill: { scale: 'colour', field: 'share' },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'cells' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'found', band: 0.5 },
            y: { scale: 'y', field: 'truth', band: 0.5 },
            text: { field: 'text' },
            align: { value: 'center' },
            baseline: { value: 'middle' },
            fontSize: { value: 9 },
            fill: { signal: "datum.share > 0.5 ? '#fff' : '#20262d'" },
          },
        },
      },
    ],
  })
}
