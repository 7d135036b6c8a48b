import { readFile } from 'node:fs/promises'
import { cocoResult } from '../datasets/coco-text.ts'
import type { CornerBox, Dataset } from '../datasets/dataset.ts'
import { checkBytes, MAX_COCO_BYTES } from '../datasets/limits.ts'
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
}

/**
 * Puts a data set and detections into columns. Detections in pictures or categories that the data set does
 * not have are left out, as pycocotools does.
 *
 * An object marked "difficult" is ignored in VOC sets. In COCO sets it counts, since pycocotools reads only
 * `iscrowd` and overwrites any `ignore` of the file.
 */
export function evaluationInput(dataset: Dataset, predictions: readonly Prediction[]): EvaluationInput {
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
  const known = predictions.filter(
    ({ imageId, categoryId }) => imageIndex.has(imageId) && categoryIndex.has(categoryId),
  )
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
    }
  })
}

const isId = (value: unknown): value is number | string =>
  Number.isSafeInteger(value) || (typeof value === 'string' && value !== '')

const isBox = (value: unknown): value is [number, number, number, number] =>
  Array.isArray(value) && value.length === 4 && value.every(Number.isFinite)
