import { readFile } from 'node:fs/promises'
import type { CornerBox, Dataset } from '../datasets/dataset.ts'
import { checkBytes, MAX_COCO_BYTES } from '../datasets/limits.ts'
import { BoxletError } from '../errors.ts'
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
export const toCocoResults = (predictions: readonly Prediction[]): object[] =>
  predictions.map(({ imageId, categoryId, box, score }) => ({
    image_id: imageId,
    category_id: categoryId,
    bbox: [box.x, box.y, box.width, box.height],
    score,
  }))

/** Reads a COCO results file: a JSON list of `image_id`, `category_id`, `bbox` and `score`. */
export async function readCocoResults(path: string): Promise<Prediction[]> {
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

export function parseCocoResults(json: unknown, path: string): Prediction[] {
  if (!Array.isArray(json)) {
    throw new BoxletError('DATASET_INVALID', `Expected a list of COCO results in "${path}".`)
  }
  return json.map((entry: unknown, i) => {
    const prediction = parseResult(entry)
    if (prediction === undefined) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected "image_id", "category_id", four numbers as "bbox" and "score" for result ${i} of "${path}" but received something else.`,
      )
    }
    return prediction
  })
}

function parseResult(entry: unknown): Prediction | undefined {
  if (typeof entry !== 'object' || entry === null) {
    return undefined
  }
  const { image_id, category_id, bbox, score } = entry as Record<string, unknown>
  if (!Number.isInteger(image_id) || !Number.isInteger(category_id) || !Number.isFinite(score)) {
    return undefined
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite)) {
    return undefined
  }
  const [x, y, width, height] = bbox as [number, number, number, number]
  return {
    imageId: image_id as number,
    categoryId: category_id as number,
    box: { x, y, width, height },
    score: score as number,
  }
}
