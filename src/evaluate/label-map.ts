import type { Category } from '../datasets/dataset.ts'
import { BoxletError } from '../errors.ts'
import type { Prediction } from './predictions.ts'
import type { PictureResult } from './run-dataset.ts'

/** Names of the same things in COCO and in Pascal VOC; whoever measures one on the other means these. */
const SYNONYMS: Record<string, string> = {
  aeroplane: 'airplane',
  motorbike: 'motorcycle',
  diningtable: 'dining table',
  pottedplant: 'potted plant',
  sofa: 'couch',
  tvmonitor: 'tv',
}

export interface LabelMap {
  /** Category of each label of the model that has one. */
  categories: Map<string, Category>
  /** Labels of the model that the data set does not have: what is found under them is not judged. */
  unusedLabels: string[]
  /** Categories that the model cannot find; they count as missed. */
  missingCategories: string[]
}

/**
 * Matches the labels of a model to the categories of a data set, by name. Case, spaces, hyphens and underscores
 * do not matter, and names that COCO and VOC give to the same thing are known.
 *
 * @param renames label of the model to category, or to null for "leave out"; takes precedence over the names
 * @param objects how many each category has: of two with one name, the exact one is taken, else one with objects
 * @throws BoxletError DATASET_INVALID when not a single name is common
 */
export function mapLabels(
  labels: readonly (string | null)[],
  categories: readonly Category[],
  renames: Record<string, string | null> = {},
  objects: ReadonlyMap<number, number> = new Map(),
): LabelMap {
  const count = ({ id }: Category) => objects.get(id) ?? 0
  const byName = new Map<string, Category>()
  const exact = new Map<string, Category>()
  // Of classes with one name the last set wins: one with objects before one that only groups others.
  for (const category of categories.toReversed().sort((a, b) => count(a) - count(b))) {
    byName.set(plain(category.name), category)
    exact.set(category.name, category)
  }
  const map: LabelMap = { categories: new Map(), unusedLabels: [], missingCategories: [] }
  const known = new Set(labels.filter((label) => label !== null))
  for (const label of known) {
    const renamed = Object.hasOwn(renames, label) ? renames[label] : undefined
    if (renamed === null) {
      continue
    }
    const name = renamed ?? label
    const same = exact.get(name)
    const near = byName.get(plain(name))
    // A grouping entry of the very name has no objects where the class that is meant has them.
    const category = same !== undefined && count(same) >= Math.min(1, near ? count(near) : 0) ? same : near
    if (renamed !== undefined && category === undefined) {
      throw new BoxletError(
        'USAGE',
        `Expected a category of the data set for the label "${label}" but received "${renamed}".`,
      )
    }
    if (category === undefined) {
      map.unusedLabels.push(label)
    } else {
      map.categories.set(label, category)
    }
  }
  if (map.categories.size === 0 && known.size > 0) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected common class names but the model has ${some([...known])} and the data set ${some(categories.map((c) => c.name))}.`,
      { hint: 'Name the labels with --labels, or map them with --map FILE.' },
    )
  }
  const reached = [...map.categories.values()]
  const ids = new Set(reached.map(({ id }) => id))
  const names = new Set(reached.map(({ name }) => plain(name)))
  map.missingCategories = categories
    .filter((category) => !ids.has(category.id))
    .filter((category) => count(category) > 0 || !names.has(plain(category.name)))
    .map(({ name }) => name)
  return map
}

function plain(name: string): string {
  const bare = name
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .trim()
  return SYNONYMS[bare.replaceAll(' ', '')] ?? bare
}

const some = (names: readonly string[]): string =>
  `${names.slice(0, 4).join(', ')}${names.length > 4 ? ` … (${names.length})` : ''}`

/** What a run found, in the terms of the data set. Labels without a category are left out. */
export function toPredictions(results: readonly PictureResult[], map: LabelMap): Prediction[] {
  const predictions: Prediction[] = []
  for (const { image, detections } of results) {
    for (const { label, score, box, ...shapes } of detections) {
      const category = map.categories.get(label)
      if (category === undefined) {
        continue
      }
      const corner = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 }
      predictions.push({
        imageId: image.id,
        categoryId: category.id,
        box: corner,
        score,
        ...shapesIn(shapes),
      })
    }
  }
  return predictions
}

const shapesIn = ({ runs, keypoints }: Pick<Prediction, 'runs' | 'keypoints'>) => ({
  ...(runs && { runs }),
  ...(keypoints && { keypoints }),
})

/** Reads a mapping of labels: a JSON object of texts or nulls. */
export function parseRenames(text: string, path: string): Record<string, string | null> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected JSON in "${path}" but ${(cause as Error).message}.`, { cause })
  }
  const isMap =
    typeof json === 'object' &&
    json !== null &&
    !Array.isArray(json) &&
    Object.values(json).every((value) => value === null || typeof value === 'string')
  if (!isMap) {
    throw new BoxletError(
      'USAGE',
      `Expected an object of label to category in "${path}" but received something else.`,
    )
  }
  return json as Record<string, string | null>
}

/** The other way round: labels of each category id. */
export function labelsByCategory(map: LabelMap): Map<number, string[]> {
  const labels = new Map<number, string[]>()
  for (const [label, { id }] of map.categories) {
    labels.set(id, [...(labels.get(id) ?? []), label])
  }
  return labels
}
