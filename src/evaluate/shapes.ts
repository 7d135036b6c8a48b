/**
 * Average precision of masks and of key points, by the definition of pycocotools (`COCOeval`, types "segm" and
 * "keypoints"): boxes are matched in the same way, by another overlap.
 */
import type { Keypoint } from '../boxes/detection.ts'
import { areaOfRuns, commonOfRuns, type Runs } from '../boxes/runs.ts'
import type { Annotation, Dataset } from '../datasets/dataset.ts'
import { outlineRuns } from '../datasets/outline.ts'
import { type CocoStats, evaluateCoco } from './coco.ts'
import { inDataset, inputOf, type Prediction } from './predictions.ts'

/** The twelve numbers of each kind of shape that both the data set and the predictions have. */
export interface ShapeStats {
  masks?: CocoStats
  /** `ar100` counts at most 20 detections of a picture, as `ar1` and `ar10` do theirs; small objects do not count. */
  keypoints?: CocoStats
}

export function evaluateShapes(dataset: Dataset, predictions: readonly Prediction[]): ShapeStats {
  const known = inDataset(dataset, predictions)
  const hasMasks =
    known.some(({ runs }) => runs !== undefined) &&
    dataset.annotations.some(({ segmentation }) => segmentation !== undefined)
  const hasPoints =
    known.some(({ keypoints }) => keypoints !== undefined) &&
    dataset.annotations.some((annotation) => pointsOf(annotation) !== undefined)
  return {
    ...(hasMasks && { masks: evaluateMasks(dataset, known) }),
    ...(hasPoints && { keypoints: evaluatePoints(dataset, known) }),
  }
}

function evaluateMasks(dataset: Dataset, predictions: readonly Prediction[]): CocoStats {
  const images = new Map(dataset.images.map((image) => [image.id, image]))
  const found = predictions.filter(({ runs }) => runs !== undefined)
  const areas = Float64Array.from(found, ({ runs }) => areaOfRuns(runs!))
  // Rasterised when first compared: most objects of a set that is cut to some pictures never are.
  const outlines = new Map<number, { runs: Runs; area: number }>()
  const outline = (row: number) => {
    const known = outlines.get(row)
    if (known !== undefined) {
      return known
    }
    const { segmentation, imageId } = dataset.annotations[row]!
    const runs = segmentation === undefined ? [] : outlineRuns(segmentation, images.get(imageId)!)
    const made = { runs, area: areaOfRuns(runs) }
    outlines.set(row, made)
    return made
  }
  return evaluateCoco({
    ...inputOf(dataset, found),
    foundArea: areas,
    overlap: (detection, object) => {
      const { runs, area } = outline(object)
      const common = commonOfRuns(found[detection]!.runs!, runs)
      const union = dataset.annotations[object]!.crowd ? areas[detection]! : areas[detection]! + area - common
      return common === 0 ? 0 : common / union
    },
  }).stats
}

/** Spread of each of COCO's 17 points of people, as pycocotools has them. */
const PERSON_SIGMAS = [
  0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087,
  0.089, 0.089,
]
/** Detections of a picture that count. */
const MOST_WITH_POINTS = 20

/** For points of other things, nothing is agreed on; Ultralytics takes one divided by their number. */
const sigmasOf = (count: number): readonly number[] =>
  count === PERSON_SIGMAS.length ? PERSON_SIGMAS : new Array<number>(count).fill(1 / count)

function evaluatePoints(dataset: Dataset, predictions: readonly Prediction[]): CocoStats {
  const found = predictions.filter(({ keypoints }) => keypoints !== undefined)
  const input = inputOf(dataset, found)
  const points = dataset.annotations.map(pointsOf)
  const sigmas = sigmasOf(Math.max(0, ...points.map((list) => (list?.length ?? 0) / 3)))
  dataset.annotations.forEach((annotation, row) => {
    const isEmpty = points[row] === undefined || numberOfPoints(annotation, points[row]) === 0
    input.truth.ignore[row] = isEmpty ? 1 : input.truth.ignore[row]!
  })
  return evaluateCoco({
    ...input,
    foundArea: Float64Array.from(found, ({ keypoints }) => hullArea(keypoints!)),
    most: MOST_WITH_POINTS,
    overlap: (detection, object) =>
      similarity(found[detection]!.keypoints!, dataset.annotations[object]!, points[object] ?? [], sigmas),
  }).stats
}

/** x, y, visibility of each point, where the annotation has some. */
function pointsOf({ extra }: Annotation): number[] | undefined {
  const given = extra?.keypoints
  const isList = Array.isArray(given) && given.length > 0 && given.length % 3 === 0
  return isList && given.every(Number.isFinite) ? (given as number[]) : undefined
}

const numberOfPoints = ({ extra }: Annotation, points: readonly number[]): number =>
  typeof extra?.num_keypoints === 'number'
    ? extra.num_keypoints
    : points.filter((value, i) => i % 3 === 2 && value > 0).length

function hullArea(points: readonly Keypoint[]): number {
  const x = points.map((point) => point.x)
  const y = points.map((point) => point.y)
  return (Math.max(...x) - Math.min(...x)) * (Math.max(...y) - Math.min(...y))
}

/**
 * Object keypoint similarity: each labelled point counts by its distance, in terms of the object's size and the spread
 * of such points. Where no point is labelled, points outside twice the box count as wrong.
 */
function similarity(
  found: readonly Keypoint[],
  { box, area }: Annotation,
  points: readonly number[],
  sigmas: readonly number[],
): number {
  const isLabelled = points.some((value, i) => i % 3 === 2 && value > 0)
  const [left, right] = [box.x - box.width, box.x + box.width * 2]
  const [top, bottom] = [box.y - box.height, box.y + box.height * 2]
  let sum = 0
  let count = 0
  for (const [i, { x, y }] of found.entries()) {
    if (i >= sigmas.length || (isLabelled && !((points[3 * i + 2] ?? 0) > 0))) {
      continue
    }
    const dx = isLabelled ? x - points[3 * i]! : Math.max(0, left - x) + Math.max(0, x - right)
    const dy = isLabelled ? y - points[3 * i + 1]! : Math.max(0, top - y) + Math.max(0, y - bottom)
    const variance = (sigmas[i]! * 2) ** 2
    sum += Math.exp(-((dx ** 2 + dy ** 2) / variance / (area + Number.EPSILON) / 2))
    count++
  }
  return count === 0 ? 0 : sum / count
}
