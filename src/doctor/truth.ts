import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Detection } from '../boxes/detection.ts'
import { countByCategory, type Dataset, type DatasetImage, selectImages } from '../datasets/dataset.ts'
import { checkBytes, MAX_VOC_BYTES } from '../datasets/limits.ts'
import { openDataset } from '../datasets/open.ts'
import { parseVoc } from '../datasets/voc-xml.ts'
import { BoxletError } from '../errors.ts'
import { evaluateCoco } from '../evaluate/coco.ts'
import { mapLabels, toPredictions } from '../evaluate/label-map.ts'
import { evaluationInput, type Prediction } from '../evaluate/predictions.ts'
import type { Contract } from '../model/contract.ts'
import { percent } from '../system/words.ts'
import type { Finding } from './checks.ts'

/** AP of names and boxes together falls below this share of that of boxes alone when the names are wrong. */
const FOREIGN_NAMES = 0.5
/** Boxes alone have to be this right before names are blamed. */
const LEAST_AP = 0.05

/**
 * Annotations for the pictures given: a data set of any format, or one Pascal VOC XML file for one picture.
 *
 * @param pictures paths of pictures; none takes all of the set, up to `limit`
 * @throws BoxletError DATASET_INVALID when none of the pictures is annotated
 */
export async function readTruth(path: string, pictures: readonly string[], limit: number): Promise<Dataset> {
  if (/\.xml$/i.test(path)) {
    return oneVocFile(path, pictures)
  }
  const dataset = await openDataset(path)
  const names = new Set(pictures.map((picture) => basename(picture)))
  const chosen = dataset.images.filter(({ fileName }) => names.size === 0 || names.has(basename(fileName)))
  if (chosen.length === 0) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected annotations for ${[...names].slice(0, 3).join(', ')} in "${path}" but found none.`,
      { hint: 'Give pictures of that data set with --image, or leave --image out to take its first ones.' },
    )
  }
  return selectImages(dataset, new Set(evenly(chosen, limit).map(({ id }) => id)), dataset.name)
}

/** Spread over the set, which is often sorted by scene. */
function evenly(images: readonly DatasetImage[], limit: number): DatasetImage[] {
  if (images.length <= limit) {
    return [...images]
  }
  return Array.from({ length: limit }, (_, i) => images[Math.floor((i * images.length) / limit)]!)
}

async function oneVocFile(path: string, pictures: readonly string[]): Promise<Dataset> {
  const [picture] = pictures
  if (picture === undefined || pictures.length > 1) {
    throw new BoxletError(
      'USAGE',
      `Expected one --image for one annotation file but received ${pictures.length}.`,
    )
  }
  await checkBytes(path, MAX_VOC_BYTES, 'annotation')
  let file: ReturnType<typeof parseVoc>
  try {
    file = parseVoc(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected Pascal VOC XML in "${basename(path)}" but it cannot be read.`,
      { cause },
    )
  }
  const names = [...new Set(file.objects.map(({ name }) => name))].sort()
  return {
    name: basename(path),
    format: 'voc',
    categories: names.map((name, i) => ({ id: i + 1, name })),
    images: [
      { id: 1, fileName: basename(picture), path: picture, ...(file.size ?? { width: 0, height: 0 }) },
    ],
    annotations: file.objects.map(({ name, xmin, ymin, xmax, ymax, difficult }, i) => ({
      id: i + 1,
      imageId: 1,
      categoryId: names.indexOf(name) + 1,
      box: { x: xmin, y: ymin, width: xmax - xmin, height: ymax - ymin },
      area: (xmax - xmin) * (ymax - ymin),
      crowd: false,
      difficult,
    })),
    problems: [],
    notes: [],
  }
}

/** Detections of each picture of the set, in its order. */
export type FoundInSet = readonly (readonly Detection[])[]

/** AP at IoU 0.50 to 0.95, as COCO counts it, over the classes that occur. */
export function averagePrecision(
  truth: Dataset,
  found: FoundInSet,
  labels: readonly (string | null)[],
): number {
  const map = mapLabels(labels, truth.categories, {}, countByCategory(truth))
  return orZero(evaluateCoco(evaluationInput(truth, toPredictions(results(truth, found), map))).stats.ap)
}

/** The same with all classes taken for one: what boxes alone are worth. */
export function averagePrecisionOfBoxes(truth: Dataset, found: FoundInSet): number {
  const one = { ...truth, categories: [{ id: 1, name: 'object' }] }
  one.annotations = truth.annotations.map((annotation) => ({ ...annotation, categoryId: 1 }))
  const predictions: Prediction[] = truth.images.flatMap(({ id }, i) =>
    found[i]!.map(({ box, score }) => ({
      imageId: id,
      categoryId: 1,
      box: { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 },
      score,
    })),
  )
  return orZero(evaluateCoco(evaluationInput(one, predictions)).stats.ap)
}

const orZero = (ap: number): number => (Number.isFinite(ap) && ap > 0 ? ap : 0)

const results = (truth: Dataset, found: FoundInSet) =>
  truth.images.map((image, i) => ({
    image,
    detections: [...found[i]!],
    timings: { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 },
    cached: false,
  }))

/** Whether the names of the classes are those of the annotations, and whether a shift by one would mend them. */
export function nameFindings(
  truth: Dataset,
  found: FoundInSet,
  { labels, output }: Pick<Contract, 'labels' | 'output'>,
): { ap: number | undefined; findings: Finding[]; labels?: Contract['labels'] } {
  const boxes = averagePrecisionOfBoxes(truth, found)
  const ap = byName(truth, found, labels)
  if (boxes < LEAST_AP || (ap !== undefined && ap >= FOREIGN_NAMES * boxes)) {
    return { ap, findings: [] }
  }
  const shifted = [1, -1]
    .flatMap((by) => moved(labels, by, output.classes).map((names) => ({ by, names })))
    .map(({ by, names }) => ({ by, names, ap: byName(truth, renamed(found, names), names) ?? 0 }))
    .sort((a, b) => b.ap - a.ap)[0]!
  const mends = shifted.ap > 2 * (ap ?? 0) && shifted.ap >= FOREIGN_NAMES * boxes
  return {
    ap,
    ...(mends ? { labels: shifted.names } : {}),
    findings: [
      {
        code: mends ? 'labels-shifted' : 'labels-foreign',
        severity: 'warning',
        message: mends
          ? `Boxes are right (AP ${percent(boxes)} without names) but their names are off by one: with every label moved by ${shifted.by > 0 ? '+1' : '−1'} the AP is ${percent(shifted.ap)}. Give the right list with --labels.`
          : `Boxes fit the annotations (AP ${percent(boxes)} without names) but names do not (${ap === undefined ? 'none is in common' : `AP ${percent(ap)} with them`}). Give the labels of training with --labels.`,
      },
    ],
  }
}

/** Undefined when not one name is in common. */
function byName(truth: Dataset, found: FoundInSet, labels: readonly (string | null)[]): number | undefined {
  try {
    return averagePrecision(truth, found, labels)
  } catch (error) {
    if (error instanceof BoxletError && error.code === 'DATASET_INVALID') {
      return undefined
    }
    throw error
  }
}

/**
 * The list with the name of each id taken from the next one (+1) or the one before (-1). A model of a fixed number
 * of classes keeps its length, so a name falls out at one end: the second list has it at the other end.
 */
function moved(labels: readonly (string | null)[], by: number, classes: number): Contract['labels'][] {
  if (classes === 0) {
    return [by > 0 ? labels.slice(1) : [null, ...labels]]
  }
  const [middle, out] = by > 0 ? [labels.slice(1), labels[0]!] : [labels.slice(0, -1), labels.at(-1)!]
  return [null, out].map((end) => (by > 0 ? [...middle, end] : [end, ...middle]))
}

const renamed = (found: FoundInSet, labels: readonly (string | null)[]): FoundInSet =>
  found.map((detections) =>
    detections.map((detection) => ({ ...detection, label: labels[detection.classId] ?? 'unnamed' })),
  )
