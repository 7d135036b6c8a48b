import type { Annotation, Category, Dataset } from '../../datasets/dataset.ts'
import type { DetectorLike } from '../../detector/types.ts'
import { throwIfAborted } from '../../errors.ts'
import { type Difference, diff } from '../../evaluate/diff.ts'
import { evaluate } from '../../evaluate/evaluation.ts'
import { mapLabels, toPredictions } from '../../evaluate/label-map.ts'
import { MEASURING } from '../../evaluate/measuring.ts'
import { type PictureResult, runDataset } from '../../evaluate/run-dataset.ts'
import { defined } from '../../system/defined.ts'

/** What a detector finds in pictures, down to the low scores that curves need. */
export interface Findings {
  name: string
  labels: readonly (string | null)[]
  /** Score from which a user sees a box. */
  threshold: number
  results: readonly PictureResult[]
}

export interface Agreement {
  /** Of the boxes that a user of either file sees. */
  f1: number
  /** Average precision at IoU 0.50 with what the first finds taken as the truth. */
  ap50: number
  difference: Difference
}

/** While one picture runs, the next is decoded. */
const IN_FLIGHT = 2

/**
 * Runs a detector over the pictures.
 *
 * @throws BoxletError ABORTED
 */
export async function findAll(
  detector: DetectorLike,
  name: string,
  dataset: Dataset,
  options: { signal?: AbortSignal | undefined; onProgress?: (done: number) => void } = {},
): Promise<Findings> {
  const { contract } = detector.model
  const run = await runDataset(dataset, detector, {
    detect: { minScore: MEASURING.minScore, maxDetections: MEASURING.maxDetections, everyClass: true },
    labels: contract.labels,
    inFlight: IN_FLIGHT,
    ...defined({ signal: options.signal }),
    onProgress: (done) => options.onProgress?.(done),
  })
  throwIfAborted(options.signal)
  return { name, labels: contract.labels, threshold: contract.thresholds.score, results: run.results }
}

/** How far two files find the same. */
export function agreement(dataset: Dataset, reference: Findings, other: Findings): Agreement {
  const difference = diff(dataset, side(reference), side({ ...other, threshold: reference.threshold }))
  return { f1: difference.agreement.f1, ap50: ap50(dataset, reference, other), difference }
}

const side = ({ name, labels, results, threshold }: Findings) => ({
  info: { name, kind: 'model' as const },
  labels: labels.some((label) => label === null) ? [] : labels,
  results: results.map((result) => ({
    ...result,
    detections: result.detections.filter(({ score }) => score >= threshold),
  })),
})

/** 1 where neither finds anything, as nothing then differs. */
function ap50(dataset: Dataset, reference: Findings, other: Findings): number {
  const ids = new Set(reference.results.flatMap(({ detections }) => detections.map(({ classId }) => classId)))
  const categories: Category[] = [...ids].sort((a, b) => a - b).map((id) => ({ id, name: `class ${id}` }))
  const annotations: Annotation[] = []
  for (const { image, detections } of reference.results) {
    for (const { classId, score, box } of detections) {
      if (score < reference.threshold) {
        continue
      }
      const [width, height] = [box.x2 - box.x1, box.y2 - box.y1]
      annotations.push({
        id: annotations.length + 1,
        imageId: image.id,
        categoryId: classId,
        box: { x: box.x1, y: box.y1, width, height },
        area: width * height,
        crowd: false,
        difficult: false,
      })
    }
  }
  if (annotations.length === 0) {
    return other.results.some(({ detections }) =>
      detections.some(({ score }) => score >= reference.threshold),
    )
      ? 0
      : 1
  }
  const found = new Set(other.results.map(({ image }) => image.id))
  const images = dataset.images.filter(({ id }) => found.has(id))
  const predictions = other.results.flatMap(({ image, detections }) =>
    detections
      .filter(({ classId }) => ids.has(classId))
      .map(({ classId, score, box }) => ({
        imageId: image.id,
        categoryId: classId,
        score,
        box: { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 },
      })),
  )
  const truth: Dataset = {
    ...dataset,
    categories,
    images,
    annotations: annotations.filter(({ imageId }) => found.has(imageId)),
    problems: [],
    notes: [],
  }
  return evaluate(truth, predictions, { subject: { name: other.name, kind: 'results' }, detect: {} }).stats
    .ap50
}

/**
 * Average precision on the labels of the set; undefined where it has none.
 *
 * @throws BoxletError LABELS_INVALID, DATASET_INVALID where labels do not fit the classes
 */
export function averagePrecision(dataset: Dataset, { name, labels, results }: Findings): number | undefined {
  if (dataset.annotations.length === 0) {
    return undefined
  }
  const ids = new Set(results.map(({ image }) => image.id))
  const measured: Dataset = {
    ...dataset,
    images: dataset.images.filter(({ id }) => ids.has(id)),
    annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)),
  }
  const map = mapLabels(labels, dataset.categories, {})
  const evaluation = evaluate(measured, toPredictions(results, map), {
    subject: { name, kind: 'model' },
    detect: {},
  })
  return evaluation.stats.ap
}
