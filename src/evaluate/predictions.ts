import { readFile } from 'node:fs/promises'
import type { Keypoint } from '../boxes/detection.ts'
import type { Runs } from '../boxes/runs.ts'
import { isSegmentation } from '../datasets/coco-fields.ts'
import { cocoResult } from '../datasets/coco-text.ts'
import type { CornerBox, Dataset } from '../datasets/dataset.ts'
import { checkBytes, MAX_COCO_BYTES } from '../datasets/limits.ts'
import { outlineRuns } from '../datasets/outline.ts'
import { BoxletError } from '../errors.ts'
import { isRecord } from '../system/record.ts'
import { type EvaluationInput, foundTable, setBox, truthTable } from './tables.ts'

/** One detection in the terms of a data set. */
export interface Prediction {
  imageId: number
  categoryId: number
  /** Pixels of the upright original picture. */
  box: CornerBox
  /** 0–1. */
  score: number
  /** Pixels of its mask. */
  runs?: Runs
  keypoints?: readonly Keypoint[]
}

/** Those in pictures and categories of the data set; pycocotools leaves out the others too. */
export function inDataset(dataset: Dataset, predictions: readonly Prediction[]): Prediction[] {
  const images = new Set(dataset.images.map(({ id }) => id))
  const categories = new Set(dataset.categories.map(({ id }) => id))
  return predictions.filter(({ imageId, categoryId }) => images.has(imageId) && categories.has(categoryId))
}

/**
 * Puts a data set and detections into columns. Detections in pictures or categories that the data set does
 * not have are left out, as pycocotools does.
 *
 * An object marked "difficult" is ignored in VOC sets. In COCO sets it counts, since pycocotools reads only
 * `iscrowd` and overwrites any `ignore` of the file.
 */
export const evaluationInput = (dataset: Dataset, predictions: readonly Prediction[]): EvaluationInput =>
  inputOf(dataset, inDataset(dataset, predictions))

/** The same of predictions that are all in the data set: rows are their places. */
export function inputOf(dataset: Dataset, known: readonly Prediction[]): EvaluationInput {
  const imageIndex = new Map(dataset.images.map((image, i) => [image.id, i]))
  const categoryIndex = new Map(dataset.categories.map((category, i) => [category.id, i]))
  const truth = truthTable(dataset.annotations.length)
  dataset.annotations.forEach((annotation, row) => {
    const image = imageIndex.get(annotation.imageId)!
    const category = categoryIndex.get(annotation.categoryId)!
    setBox(truth, row, { image, category, ...annotation.box })
    truth.area[row] = annotation.area
    truth.crowd[row] = annotation.crowd ? 1 : 0
    truth.ignore[row] = annotation.difficult && dataset.format !== 'coco' ? 1 : 0
  })
  const found = foundTable(known.length)
  known.forEach((prediction, row) => {
    const image = imageIndex.get(prediction.imageId)!
    const category = categoryIndex.get(prediction.categoryId)!
    setBox(found, row, { image, category, ...prediction.box })
    found.score[row] = prediction.score
  })
  return { images: dataset.images.length, categories: dataset.categories.length, truth, found }
}

/** COCO results as every COCO tool reads them; scores and boxes in full precision. */
export const toCocoResults = (predictions: readonly Prediction[]): object[] => predictions.map(cocoResult)

/** One row of a results file, with ids as the file has them. */
export type ResultRow = Omit<Prediction, 'imageId' | 'categoryId'> & {
  imageId: number | string
  categoryId: number | string
}

/** Reads a COCO results file: a JSON list of `image_id`, `category_id`, `bbox` and `score`. */
export async function readCocoResults(path: string): Promise<ResultRow[]> {
  await checkBytes(path, MAX_COCO_BYTES, 'COCO results')
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new BoxletError('DATASET_INVALID', `Expected JSON in "${path}" but ${(cause as Error).message}.`, {
      cause,
    })
  }
  return parseCocoResults(json, path)
}

export function parseCocoResults(json: unknown, path: string): ResultRow[] {
  if (!Array.isArray(json)) {
    throw new BoxletError('DATASET_INVALID', `Expected a list of COCO results in "${path}".`)
  }
  return json.map((entry: unknown, i) => {
    const { image_id, category_id, bbox, score } = isRecord(entry) ? entry : {}
    const wrong = [
      isId(image_id) ? undefined : 'a number or a name as "image_id"',
      isId(category_id) ? undefined : 'a number or a name as "category_id"',
      isBox(bbox) ? undefined : 'four numbers as "bbox"',
      Number.isFinite(score) ? undefined : 'a number as "score"',
    ].find((expected) => expected !== undefined)
    if (wrong !== undefined || !isId(image_id) || !isId(category_id) || !isBox(bbox)) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected ${wrong} for result ${i} of "${path}" but received something else.`,
      )
    }
    const [x, y, width, height] = bbox
    return {
      imageId: image_id,
      categoryId: category_id,
      box: { x, y, width, height },
      score: score as number,
      ...shapesOf(isRecord(entry) ? entry : {}),
    }
  })
}

/** Mask and points of a result, where it has any that can be read. */
function shapesOf({
  segmentation,
  keypoints,
}: Record<string, unknown>): Pick<Prediction, 'runs' | 'keypoints'> {
  const points = Array.isArray(keypoints) && keypoints.length % 3 === 0 && keypoints.every(Number.isFinite)
  return {
    ...(isSegmentation(segmentation) &&
      !Array.isArray(segmentation) && {
        runs: outlineRuns(segmentation, { width: segmentation.size[1], height: segmentation.size[0] }),
      }),
    ...(points &&
      keypoints.length > 0 && {
        keypoints: Array.from({ length: keypoints.length / 3 }, (_, i) => ({
          x: keypoints[3 * i] as number,
          y: keypoints[3 * i + 1] as number,
          score: keypoints[3 * i + 2] as number,
        })),
      }),
  }
}

const isId = (value: unknown): value is number | string =>
  Number.isSafeInteger(value) || (typeof value === 'string' && value !== '')

const isBox = (value: unknown): value is [number, number, number, number] =>
  Array.isArray(value) && value.length === 4 && value.every(Number.isFinite)
