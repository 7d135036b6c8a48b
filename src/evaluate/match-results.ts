import type { Category, Dataset, DatasetImage } from '../datasets/dataset.ts'
import { BoxletError } from '../errors.ts'
import { mapLabels } from './label-map.ts'
import type { Prediction, ResultRow } from './predictions.ts'

/**
 * Rows of a results file in the terms of a data set. Pictures are known by their ids, else by their file names without
 * the ending, as `detect --format coco` and Ultralytics name them. Categories are known by their ids; where not one of
 * those occurs in the set they are the numbers of the classes, which only the labels of the model can tell.
 *
 * @param labels of the model, by class number
 * @throws BoxletError DATASET_INVALID when not one picture, or not one category, is of the data set
 */
export function matchResults(
  rows: readonly ResultRow[],
  dataset: Dataset,
  labels?: readonly (string | null)[],
  objects?: ReadonlyMap<number, number>,
): Prediction[] {
  const image = imageOf(dataset.images)
  const category = categoryOf(rows, dataset, labels, objects)
  const predictions: Prediction[] = []
  let pictures = 0
  for (const row of rows) {
    const picture = image(row.imageId)
    const found = category(row.categoryId)
    pictures += picture === undefined ? 0 : 1
    if (picture !== undefined && found !== undefined) {
      predictions.push({ ...row, imageId: picture.id, categoryId: found.id })
    }
  }
  if (rows.length > 0 && pictures === 0) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected results for pictures of the data set, such as ${shown(dataset.images.map(({ id }) => id))}, but received ${shown(rows.map(({ imageId }) => imageId))}.`,
      {
        hint: '"image_id" is the id of the picture in the annotations, or its file name without the ending.',
      },
    )
  }
  return predictions
}

function imageOf(images: readonly DatasetImage[]): (id: number | string) => DatasetImage | undefined {
  const byId = new Map<string, DatasetImage>(
    images.map((image) => [image.sourceId ?? String(image.id), image]),
  )
  const byName = new Map<string, DatasetImage | undefined>()
  for (const image of images) {
    const name = plain(image.fileName)
    const path = withoutEnding(name)
    // A name that several pictures have says nothing.
    for (const key of new Set([name, path, path.slice(path.lastIndexOf('/') + 1)])) {
      byName.set(key, byName.has(key) ? undefined : image)
    }
  }
  return (id) => {
    const known = byId.get(String(id))
    if (known !== undefined || typeof id === 'number') {
      return known ?? byName.get(String(id))
    }
    const name = plain(id)
    return (
      byName.get(name) ?? byName.get(withoutEnding(name)) ?? byName.get(name.slice(name.lastIndexOf('/') + 1))
    )
  }
}

const plain = (name: string): string => name.replaceAll('\\', '/').replace(/^\.\//, '').normalize('NFC')

const withoutEnding = (name: string): string => name.replace(/\.[A-Za-z0-9]{1,5}$/, '')

function categoryOf(
  rows: readonly ResultRow[],
  { categories }: Dataset,
  labels: readonly (string | null)[] | undefined,
  objects: ReadonlyMap<number, number> | undefined,
): (id: number | string) => Category | undefined {
  const byId = new Map(categories.map((category) => [category.sourceId ?? String(category.id), category]))
  if (labels !== undefined) {
    const map = mapLabels(labels, categories, {}, objects)
    return (id) => map.categories.get(labels[Number(id)] ?? '')
  }
  const byName = new Map(categories.map((category) => [category.name, category]))
  const find = (id: number | string) => byId.get(String(id)) ?? byName.get(String(id))
  if (rows.length > 0 && rows.every(({ categoryId }) => find(categoryId) === undefined)) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected results of the categories ${shown([...byId.keys()])} of the data set but received ${shown(rows.map(({ categoryId }) => categoryId))}.`,
      { hint: 'Where they are the class numbers of a model, give its labels with --labels.' },
    )
  }
  return find
}

function shown(values: readonly (number | string)[]): string {
  const distinct = [...new Set(values)]
  return `${distinct.slice(0, 4).join(', ')}${distinct.length > 4 ? ` … (${distinct.length})` : ''}`
}
