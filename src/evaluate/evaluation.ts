import type { Category, Dataset, DatasetImage } from '../datasets/dataset.ts'
import type { Problem } from '../datasets/problem.ts'
import type { DetectOptions, Timings } from '../detector/types.ts'
import type { Contract } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import { type Calibration, calibrate } from './calibration.ts'
import { type ClassCounts, type CocoStats, evaluateCoco } from './coco.ts'
import type { MatchTable } from './coco-match.ts'
import { type ConfusionMatrix, confusionMatrix, topConfusions } from './confusion.ts'
import { evaluationInput, type Prediction } from './predictions.ts'
import type { PictureResult } from './run-dataset.ts'
import { evaluateShapes, type ShapeStats } from './shapes.ts'
import { type SizeRow, sizeBreakdown } from './sizes.ts'
import type { EvaluationInput } from './tables.ts'
import {
  atThreshold,
  bestOverall,
  bestThresholds,
  LEAST_OBJECTS,
  type Threshold,
  thresholdCurve,
} from './thresholds.ts'
import { evaluateVoc } from './voc-ap.ts'
import { type JudgedPicture, judgePictures } from './worst-pictures.ts'

/** Who was measured: a model file, a deployed service, a cloud account, or a file of results. */
export interface SubjectInfo {
  name: string
  kind: 'model' | 'endpoint' | 'rekognition' | 'results'
  family?: string
  sha256?: string
  licence?: string
}

export interface ClassReport {
  category: Category
  ap: number
  ap50: number
  ap75: number
  ar100: number
  voc11: number
  vocContinuous: number
  counts: ClassCounts
  /** The score threshold with the best F1; undefined when nothing of the class was found. */
  threshold: Threshold | undefined
  /** Precision at recall 0, 0.01 … 1, IoU 0.50. */
  precision50: number[]
}

export interface Speed {
  pictures: number
  /** Pictures whose result was kept from an earlier run; their times are those of that run. */
  cached: number
  /**
   * Medians in milliseconds. For a local model `total` is the sum of its stages, without waiting for a free
   * processor; for a service it is what the client waits.
   */
  median: Timings
  p90Total: number
  /** Pictures a second over the whole run, and the model runs at once; absent when most results were kept. */
  perSecond?: number
  jobs?: number
}

/** Everything that a report shows about one subject on one data set. */
export interface Evaluation {
  subject: SubjectInfo
  dataset: {
    name: string
    format: string
    pictures: number
    objects: number
    ignoredObjects: number
    classes: number
    /** What its reader had to find out or leave out, one sentence each. */
    notes: string[]
  }
  options: Pick<DetectOptions, 'minScore' | 'iou' | 'maxDetections'>
  stats: CocoStats
  /** Masks and key points, where the model and the data set have them. */
  shapes: ShapeStats
  voc: { ap11: number; apContinuous: number }
  classes: ClassReport[]
  /** One threshold for all classes, with the best F1 over all objects. */
  overall: Threshold | undefined
  /** All classes together, each at its own threshold; those with few objects at the common one. */
  atThresholds: Threshold
  curve: Threshold[]
  /** Precision over recall at IoU 0.50, mean of the classes that have objects. */
  precision50: number[]
  confusion: ConfusionMatrix
  confusions: { truth: string; found: string; count: number }[]
  calibration: Calibration
  sizes: SizeRow[]
  speed: Speed | undefined
  problems: Problem[]
  /** Labels of the model without a category, and categories that it cannot find. */
  unusedLabels: string[]
  missingCategories: string[]
  /** Labels of the model for each category id; absent where the two are the same. */
  labelOf?: Map<number, string[]>
  /** Local models only. */
  contract?: Contract
  /** Not written to JSON: what pictures and comparisons are drawn from. */
  work: { input: EvaluationInput; matches: MatchTable; judged: JudgedPicture[]; images: DatasetImage[] }
}

export interface EvaluateOptions {
  subject: SubjectInfo
  detect: DetectOptions
  results?: readonly PictureResult[]
  /** Duration of the run, and the model runs at once. */
  seconds?: number
  jobs?: number
  problems?: readonly Problem[]
  unusedLabels?: string[]
  missingCategories?: string[]
}

const TOP_CONFUSIONS = 20

/** Measures predictions against a data set in every way that a report shows. Pure. */
export function evaluate(
  dataset: Dataset,
  predictions: readonly Prediction[],
  options: EvaluateOptions,
): Evaluation {
  const input = evaluationInput(dataset, predictions)
  const { stats, classes, matches } = evaluateCoco(input)
  const voc = evaluateVoc(input)
  const thresholds = bestThresholds(matches, input.found)
  const overall = bestOverall(matches, input.found)
  // A class that is hardly there or never found right gets the threshold of the others, or one lucky box would decide.
  const used = thresholds.map((threshold, category) => {
    const own = matches.areas.all.truths[category]! < LEAST_OBJECTS ? undefined : threshold
    return own?.score ?? overall?.score ?? 0.5
  })
  const confusion = confusionMatrix(input, used)
  const judged = judgePictures(input, matches, used)
  const name = (category: number) => dataset.categories[category]!.name
  const { minScore, iou, maxDetections } = options.detect
  return {
    subject: options.subject,
    dataset: {
      name: dataset.name,
      format: dataset.format,
      pictures: dataset.images.length,
      objects: classes.reduce((sum, entry) => sum + entry.counts.truths, 0),
      ignoredObjects: classes.reduce((sum, entry) => sum + entry.counts.ignoredTruths, 0),
      classes: classes.filter((entry) => entry.counts.truths > 0).length,
      notes: dataset.notes,
    },
    options: {
      ...defined({ minScore, iou, maxDetections }),
    },
    stats,
    shapes: evaluateShapes(dataset, predictions),
    voc: { ap11: voc.ap11, apContinuous: voc.apContinuous },
    classes: classes.map((entry, i) => ({
      category: dataset.categories[i]!,
      ap: entry.ap,
      ap50: entry.ap50,
      ap75: entry.ap75,
      ar100: entry.ar100,
      voc11: voc.classes[i]!.ap11,
      vocContinuous: voc.classes[i]!.apContinuous,
      counts: entry.counts,
      threshold: thresholds[i],
      precision50: Array.from(entry.precision50),
    })),
    overall,
    atThresholds: sumCuts(judged),
    curve: thresholdCurve(matches, input.found),
    precision50: meanCurve(classes.map((entry) => entry.precision50)),
    confusion,
    confusions: topConfusions(confusion, TOP_CONFUSIONS).map(({ truth, found, count }) => ({
      truth: name(truth),
      found: name(found),
      count,
    })),
    calibration: calibrate(matches, input.found),
    sizes: sizeBreakdown(input, matches, used),
    speed: options.results === undefined ? undefined : measureSpeed(options),
    problems: [...dataset.problems, ...(options.problems ?? [])],
    unusedLabels: options.unusedLabels ?? [],
    missingCategories: options.missingCategories ?? [],
    work: { input, matches, judged, images: dataset.images },
  }
}

function sumCuts(judged: readonly JudgedPicture[]): Threshold {
  const sum = (of: (picture: JudgedPicture) => number) =>
    judged.reduce((total, picture) => total + of(picture), 0)
  const hits = sum((picture) => picture.hits)
  return atThreshold(
    Number.NaN,
    hits,
    sum((picture) => picture.falsePositives),
    hits + sum((picture) => picture.misses),
  )
}

function meanCurve(curves: readonly Float64Array[]): number[] {
  const present = curves.filter((curve) => curve.length > 0)
  const length = present[0]?.length ?? 0
  return Array.from({ length }, (_, i) => present.reduce((sum, curve) => sum + curve[i]!, 0) / present.length)
}

/** Medians and rate of a run; undefined when nothing was run. */
export function measureSpeed({ results = [], seconds, jobs, subject }: EvaluateOptions): Speed | undefined {
  if (results.length === 0) {
    return undefined
  }
  const total = ({ decode, prepare, run, boxes, total: waited }: Timings) =>
    subject.kind === 'model' ? decode + prepare + run + boxes : waited
  const at = (of: (timings: Timings) => number, share: number) => {
    const sorted = results.map(({ timings }) => of(timings)).sort((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  }
  const cached = results.filter((result) => result.cached).length
  const rate = cached * 2 > results.length || !seconds ? undefined : (results.length - cached) / seconds
  return {
    pictures: results.length,
    cached,
    median: {
      decode: at((t) => t.decode, 0.5),
      prepare: at((t) => t.prepare, 0.5),
      run: at((t) => t.run, 0.5),
      boxes: at((t) => t.boxes, 0.5),
      total: at(total, 0.5),
    },
    p90Total: at(total, 0.9),
    ...defined({ perSecond: rate, jobs }),
  }
}
