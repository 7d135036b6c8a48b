import type { Size } from '../boxes/box.ts'
import type { Candidates, Detection } from '../boxes/detection.ts'
import { iou } from '../boxes/iou.ts'
import type { Letterbox } from '../boxes/letterbox.ts'
import type { Contract } from '../model/contract.ts'
import type { FoundRaw } from './runner.ts'

export type Severity = 'fault' | 'warning' | 'note'

/** One finding about a model as it is read now. */
export interface Finding {
  code: string
  severity: Severity
  message: string
}

/** A model that has seen real pictures scores something higher than this, however unsure it is. */
const LEAST_SCORE = 0.01
/** A model that is alive passes this somewhere in almost any picture, if only for a doubtful object. */
const LIVELY_SCORE = 0.15
/** Rows below this say nothing about how boxes are spread. */
const LEAST_ROWS = 20
const COLLAPSED_SPREAD = 0.02
/** Of the frame: boxes whose offsets quantization rounded to nothing all have the size of their anchor. */
const SAME_SIZE = 0.002
const OUTSIDE_SHARE = 0.5
/** Above this two boxes of a class are one object found twice. */
const SAME_OBJECT = 0.8

/** What can be said of raw rows and final detections of some pictures, worst first. */
export function check(
  contract: Contract,
  raw: readonly FoundRaw[],
  found: readonly (readonly Detection[])[],
  quantization: string | undefined,
): Finding[] {
  const findings = [
    ...scoreFindings(raw, quantization),
    ...boxFindings(raw),
    ...classFindings(contract, raw),
    ...labelFindings(contract, found),
    ...overlapFindings(contract, found),
  ]
  const order: Severity[] = ['fault', 'warning', 'note']
  return findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
}

function scoreFindings(raw: readonly FoundRaw[], quantization: string | undefined): Finding[] {
  let rows = 0
  let most = 0
  for (const { candidates } of raw) {
    rows += candidates.count
    for (const score of candidates.scores) {
      most = Math.max(most, score)
    }
  }
  if (rows === 0 || most < LEAST_SCORE) {
    const isQuantized = quantization !== undefined && !/^(none|float16)/.test(quantization)
    const why = isQuantized
      ? 'The file is quantized, and a common mistake does this: boxes (0 to the input size) and scores (0 to 1) share one scale, which rounds every score to 0. Quantize again and leave the last layers out, or take the float file.'
      : 'Scale and colour order below tell whether another input wakes it; if none does, the export is broken.'
    const what =
      most === 0
        ? `Every score is 0 in all ${rows} rows.`
        : `No score is above ${most.toPrecision(2)} in ${rows} rows.`
    return [{ code: 'scores-zero', severity: 'fault', message: `${what} ${why}` }]
  }
  if (most < LIVELY_SCORE) {
    return [
      {
        code: 'scores-weak',
        severity: 'warning',
        message: `No score is above ${most.toPrecision(2)} in ${rows} rows: unless the pictures show nothing that the model knows, or another reading below wakes it, it is dead or badly quantized.`,
      },
    ]
  }
  if (most > 1.01) {
    return [
      {
        code: 'scores-range',
        severity: 'fault',
        message: `Scores reach ${most.toPrecision(3)}, so they are no probabilities: another column is read as a score, or an activation is missing (output.scoreActivation).`,
      },
    ]
  }
  return []
}

function boxFindings(raw: readonly FoundRaw[]): Finding[] {
  const large = raw.filter(({ candidates }) => candidates.count >= LEAST_ROWS)
  if (large.length === 0) {
    return []
  }
  const spreads = large.map(({ candidates, letterbox }) => spread(candidates, frameOf(candidates, letterbox)))
  if (spreads.every(({ flat }) => flat > 1 - OUTSIDE_SHARE / 5)) {
    return [fault('boxes-collapsed', 'Nearly all boxes have no width or height.')]
  }
  if (spreads.every(({ sizes }) => sizes < SAME_SIZE)) {
    return [fault('boxes-collapsed', 'All boxes are of one size, whatever the picture shows.')]
  }
  if (spreads.every(({ across, down }) => across < COLLAPSED_SPREAD && down < COLLAPSED_SPREAD)) {
    return [fault('boxes-collapsed', 'All boxes lie in one place, whatever the picture shows.')]
  }
  if (spreads.every(({ outside }) => outside > OUTSIDE_SHARE)) {
    const share = Math.round(100 * Math.min(...spreads.map(({ outside }) => outside)))
    return [fault('boxes-outside', `${share} % of the boxes or more have their middle outside the picture.`)]
  }
  return []
}

const fault = (code: string, what: string): Finding => ({
  code,
  severity: 'fault',
  message: `${what} Their units, their code or their decoding is wrong, or quantization has crushed them.`,
})

const frameOf = ({ frame }: Candidates, { image, input }: Letterbox): Size =>
  frame === 'image' ? image : input

interface Spread {
  /** Share of the frame that the middles of the boxes cover. */
  across: number
  down: number
  /** By how much widths or heights differ, whichever more. */
  sizes: number
  outside: number
  flat: number
}

function spread({ boxes, count }: Candidates, frame: Size): Spread {
  const xs = new Float32Array(count)
  const ys = new Float32Array(count)
  const widths = new Float32Array(count)
  const heights = new Float32Array(count)
  let outside = 0
  let flat = 0
  for (let i = 0; i < count; i++) {
    const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number]
    const x = (x1 + x2) / 2 / frame.width
    const y = (y1 + y2) / 2 / frame.height
    xs[i] = x
    ys[i] = y
    widths[i] = (x2 - x1) / frame.width
    heights[i] = (y2 - y1) / frame.height
    if (!(x > -0.1 && x < 1.1 && y > -0.1 && y < 1.1)) {
      outside++
    }
    if (!(x2 > x1 && y2 > y1)) {
      flat++
    }
  }
  const sizes = Math.max(range(widths), range(heights))
  return { across: range(xs), down: range(ys), sizes, outside: outside / count, flat: flat / count }
}

/** From the fifth to the ninety-fifth of a hundred, so that strays do not count. */
function range(values: Float32Array): number {
  const sorted = values.sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!
  return at(0.95) - at(0.05)
}

function classFindings(contract: Contract, raw: readonly FoundRaw[]): Finding[] {
  const { classes } = contract.output
  if (classes === 1 || contract.labels.filter((label) => label !== null).length === 1) {
    return [
      {
        code: 'class-agnostic',
        severity: 'note',
        message: `The model knows one class, "${contract.labels.find((label) => label !== null) ?? 'object'}": it finds, and does not tell apart.`,
      },
    ]
  }
  const ids = new Set<number>()
  let rows = 0
  for (const { candidates } of raw) {
    for (let i = 0; i < candidates.count; i++) {
      if (candidates.scores[i]! < LEAST_SCORE) {
        continue
      }
      rows++
      ids.add(candidates.classIds[i]!)
    }
  }
  if (rows < LEAST_ROWS || ids.size !== 1) {
    return []
  }
  const [only] = ids
  return [
    {
      code: 'class-agnostic',
      severity: 'warning',
      message: `All ${rows} rows are of class ${only} (${contract.labels[only!] ?? 'without a label'}), though ${classes || contract.labels.length} are named: the model may be class-agnostic, or its class column is not the one that is read.`,
    },
  ]
}

function labelFindings(contract: Contract, found: readonly (readonly Detection[])[]): Finding[] {
  const { labels, output } = contract
  const findings: Finding[] = []
  if (output.classes > 0 && labels.length > 0 && labels.length !== output.classes) {
    findings.push({
      code: 'labels-count',
      severity: 'warning',
      message: `${labels.length} labels do not fit ${output.classes} classes: names may be shifted. Give the list of training with --labels.`,
    })
  }
  if (labels.length > 0 && labels.every((label) => label === null || /^class \d+$/.test(label))) {
    findings.push({
      code: 'labels-missing',
      severity: 'note',
      message: 'The file names no classes; give them with --labels.',
    })
  }
  const unnamed = new Set(found.flat().flatMap(({ classId }) => (labels[classId] == null ? [classId] : [])))
  if (unnamed.size > 0) {
    findings.push({
      code: 'labels-count',
      severity: 'warning',
      message: `Found class ids ${[...unnamed]
        .sort((a, b) => a - b)
        .slice(0, 8)
        .join(', ')}, which have no label.`,
    })
  }
  return findings
}

function overlapFindings(contract: Contract, found: readonly (readonly Detection[])[]): Finding[] {
  let doubled = 0
  let total = 0
  for (const detections of found) {
    total += detections.length
    for (const [i, one] of detections.entries()) {
      const twin = detections.some(
        (other, j) => j < i && other.classId === one.classId && iou(one.box, other.box) > SAME_OBJECT,
      )
      if (twin) {
        doubled++
      }
    }
  }
  if (contract.suppression.kind !== 'none' || total < 4 || doubled < total / 3) {
    return []
  }
  return [
    {
      code: 'duplicates',
      severity: 'warning',
      message: `${doubled} of ${total} detections lie on a better one of their class: the boxes are not final. Set suppression.kind=per-class and suppression.iou=0.45.`,
    },
  ]
}
