import { BoxletError } from '../../errors.ts'
import { COCO_80, COCO_90, COCO_91 } from './label-sets.ts'
import { type Labels, plain, toLabels } from './label-values.ts'
import { openImages601 } from './open-images.ts'
import { parsePythonLiteral } from './python-literal.ts'

/** Labels in the metadata of a model, or undefined when there are none that can be read. */
export function metadataLabels(metadata: Record<string, string>): Labels | undefined {
  if (!readBefore.has(metadata)) {
    readBefore.set(metadata, readMetadata(metadata))
  }
  return readBefore.get(metadata)
}

/** Every family asks for the labels of the same file; reading a thousand names takes longer than all else. */
const readBefore = new WeakMap<Record<string, string>, Labels | undefined>()

/** Ultralytics writes `names`, RapidAI `character`, Hugging Face `id2label`; the others are met here and there. */
const METADATA_KEYS = [
  'names',
  'labels',
  'classes',
  'id2label',
  'character',
  'class_names',
  'classnames',
  'label_names',
  'class_labels',
  'categories',
]

function readMetadata(metadata: Record<string, string>): Labels | undefined {
  const keys = Object.keys(metadata)
  for (const wanted of METADATA_KEYS) {
    const key = keys.find((some) => some.toLowerCase() === wanted)
    const labels = key === undefined ? undefined : readNames(metadata[key] as string)
    if (labels !== undefined) {
      return labels
    }
  }
  return undefined
}

/** A literal of Python or JSON, or names apart by lines or commas; undefined for a number or anything else. */
function readNames(text: string): Labels | undefined {
  try {
    return toLabels(plain(parsePythonLiteral(text)))
  } catch {
    const separator = text.trim().includes('\n') ? '\n' : ','
    const names = text.trim().split(separator)
    const areNames = names.every((name) => /^[^[\]{}():"=]*\p{L}[^[\]{}():"=]*$/u.test(name))
    try {
      return areNames ? toLabels(names.map((name) => name.trim())) : undefined
    } catch {
      return undefined
    }
  }
}

/** Labels that a class count alone suggests, with the name of the set; a guess that has to be said. */
export function usualLabels(classes: number): { labels: Labels; set: string } | undefined {
  if (classes === 80) {
    return { labels: [...COCO_80], set: 'the 80 classes of COCO' }
  }
  if (classes === 91) {
    return { labels: [...COCO_91], set: 'the category ids of COCO, 0 being background' }
  }
  if (classes === 90) {
    return { labels: [...COCO_90], set: 'the category ids of COCO less one' }
  }
  if (classes === 601) {
    return { labels: openImages601(), set: 'the 601 boxable classes of Open Images' }
  }
  if (classes === 602) {
    return { labels: [null, ...openImages601()], set: 'Open Images with background first' }
  }
  return undefined
}

/** A column of scores that is no class: background at the beginning, or "no object" at the end. */
export type SpareColumn = 'first' | 'last'

/**
 * Labels for a head with so many classes, 0 when its outputs carry ids of any size. A list with a background
 * first, or with gaps as the 91 ids of COCO have them, loses both when just as many names as classes remain. Where
 * the head has a column that is no class, at its beginning or its end, a name less than columns is enough.
 *
 * @param spare where that column lies
 * cost    labels off by one, as when a list counts the background and the head does not, name every object wrongly
 * @throws BoxletError LABELS_INVALID
 */
export function fitLabels(labels: Labels, classes: number, spare?: SpareColumn): Labels {
  if (classes === 0 || labels.length === classes) {
    return labels
  }
  // A head of COCO's ids that was trained on keeps its columns, whatever it now finds.
  const isRoomy = classes === COCO_91.length && labels.length < classes
  if (spare === 'last' && (labels.length === classes - 1 || isRoomy)) {
    return [...labels, ...new Array<null>(classes - labels.length).fill(null)]
  }
  const named = labels.filter((label) => label !== null)
  if (spare !== undefined && named.length === classes - 1) {
    return spare === 'first' ? [null, ...named] : [...named, null]
  }
  if (labels.length === classes + 1 && labels[0] === null) {
    return labels.slice(1)
  }
  if (named.length === classes) {
    return named
  }
  throw new BoxletError(
    'LABELS_INVALID',
    `Expected ${classes} labels for the ${classes} classes of the model but received ${labels.length}.`,
    { hint: 'Give one label for each class, in the order of training.' },
  )
}
