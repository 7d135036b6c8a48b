import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { CornerBox, Dataset, DatasetImage, ReadOptions } from './dataset.ts'
import { mapInOrder } from './in-order.ts'
import {
  checkBytes,
  MAX_LIST_BYTES,
  MAX_OBJECTS_PER_PICTURE,
  MAX_PICTURES,
  MAX_YOLO_BYTES,
} from './limits.ts'
import { isFile, isFolder, isPictureName, listPictures } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'
import { boxProblem, ProblemList } from './problem.ts'
import { readDataYaml, type YoloConfig } from './yolo-yaml.ts'

const CONCURRENCY = 16

interface YoloPicture {
  path: string
  labels: string
  /** Undefined when the picture is missing or not readable. */
  size: { width: number; height: number } | undefined
  exists: boolean
  /** Undefined when there is no label file: a picture without objects. */
  text: string | undefined
}

/**
 * Reads a YOLO set by its `data.yaml`: pictures under `images`, and for each a text file under `labels` with a
 * line per object, `class cx cy width height` as fractions of the picture. Lines with a polygon instead
 * give its upright hull, and the polygon is kept as the segmentation.
 */
export async function readYolo(yaml: string, options: ReadOptions = {}): Promise<Dataset> {
  const config = await readDataYaml(yaml)
  const split = chooseSplit(config, options.split, yaml)
  const files = await listSplit(config, split)
  if (files.length > MAX_PICTURES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${MAX_PICTURES} pictures but received ${files.length}.`,
    )
  }
  const pictures = await mapInOrder(files, CONCURRENCY, readPicture, options.signal)
  const list = new ProblemList(options.problems)
  const dataset: Dataset = {
    name: `${basename(dirname(resolve(yaml)))} ${split}`,
    format: 'yolo',
    categories: config.names.map((name, id) => ({ id, name })),
    images: [],
    annotations: [],
    problems: list.problems,
  }
  const root = commonFolder(files)
  for (const picture of pictures) {
    addPicture(dataset, picture, root, list, options.classes)
  }
  return dataset
}

function chooseSplit(config: YoloConfig, asked: string | undefined, yaml: string): string {
  const splits = Object.keys(config.splits)
  if (asked === 'all') {
    return asked
  }
  const chosen = asked === undefined ? ['test', 'val', 'train'].find((name) => splits.includes(name)) : asked
  if (chosen === undefined || !splits.includes(chosen)) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected the part "${asked ?? 'val'}" in "${yaml}" but received ${splits.length === 0 ? 'none' : splits.join(', ')}.`,
    )
  }
  return chosen
}

async function listSplit(config: YoloConfig, split: string): Promise<string[]> {
  const sources = split === 'all' ? Object.values(config.splits).flat() : config.splits[split]!
  const files: string[] = []
  for (const source of sources) {
    if (await isFolder(source)) {
      files.push(...(await listPictures(source)))
    } else if (source.endsWith('.txt')) {
      files.push(...(await readList(source)))
    } else {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected a folder or a .txt list at "${source}" but there is none.`,
      )
    }
  }
  return [...new Set(files)].sort()
}

/** A list of picture paths; those with `./` are relative to the list, as Ultralytics reads them. */
async function readList(path: string): Promise<string[]> {
  await checkBytes(path, MAX_LIST_BYTES, 'a picture list')
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/).map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && isPictureName(line))
    .map((line) => resolve(dirname(path), line))
}

/** `…/images/…/a.jpg` has its labels in `…/labels/…/a.txt`, by the last folder called `images`. */
export function labelPath(picture: string): string {
  const parts = picture.split(sep)
  const at = parts.lastIndexOf('images')
  if (at >= 0) {
    parts[at] = 'labels'
  }
  return parts.join(sep).replace(/\.[^.]+$/, '.txt')
}

async function readPicture(path: string): Promise<YoloPicture> {
  const labels = labelPath(path)
  const exists = await isFile(path)
  const size = exists ? await pictureSize(path) : undefined
  if (!(await isFile(labels))) {
    return { path, labels, size, exists, text: undefined }
  }
  await checkBytes(labels, MAX_YOLO_BYTES, 'a label file')
  return { path, labels, size, exists, text: await readFile(labels, 'utf8') }
}

function commonFolder(files: string[]): string {
  let common = dirname(files[0] ?? '')
  for (const file of files) {
    while (isAbsolute(relative(common, file)) || relative(common, file).startsWith('..')) {
      common = dirname(common)
    }
  }
  return common
}

function addPicture(
  dataset: Dataset,
  picture: YoloPicture,
  root: string,
  list: ProblemList,
  expected: readonly string[] | undefined,
): void {
  const { size } = picture
  if (size === undefined) {
    const message = picture.exists
      ? 'Expected a picture but the file cannot be read'
      : 'Expected a picture but there is no such file'
    list.add({ kind: picture.exists ? 'picture-unreadable' : 'picture-missing', file: picture.path, message })
    return
  }
  const fileName = relative(root, picture.path).split(sep).join('/')
  const image: DatasetImage = { id: dataset.images.length + 1, fileName, path: picture.path, ...size }
  dataset.images.push(image)
  const rows = (picture.text ?? '').split(/\r?\n/)
  let objects = 0
  rows.forEach((row, i) => {
    if (row.trim() === '') {
      return
    }
    const problem = (
      kind: 'annotation-invalid' | 'class-unknown' | 'box-empty' | 'box-outside',
      message: string,
    ) => ({
      kind,
      file: picture.labels,
      line: i + 1,
      message,
    })
    if (++objects > MAX_OBJECTS_PER_PICTURE) {
      if (objects === MAX_OBJECTS_PER_PICTURE + 1) {
        list.add(
          problem('annotation-invalid', `Expected at most ${MAX_OBJECTS_PER_PICTURE} objects in a picture`),
        )
      }
      return
    }
    const object = parseRow(row, size)
    if (object === undefined) {
      list.add(
        problem(
          'annotation-invalid',
          'Expected a class number and four numbers, or a polygon of at least three points',
        ),
      )
      return
    }
    const category = dataset.categories[object.classId]
    if (category === undefined || (expected !== undefined && !expected.includes(category.name))) {
      list.add(
        problem(
          'class-unknown',
          `Expected a class below ${dataset.categories.length} but received ${object.classId}`,
        ),
      )
      return
    }
    const wrong = boxProblem(object.box, size)
    if (wrong !== undefined) {
      if (!list.keeps(problem(wrong.kind, wrong.message)) || wrong.kind === 'box-empty') {
        return
      }
    }
    dataset.annotations.push({
      id: dataset.annotations.length + 1,
      imageId: image.id,
      categoryId: category.id,
      box: object.box,
      area: object.polygon === undefined ? object.box.width * object.box.height : polygonArea(object.polygon),
      crowd: false,
      difficult: false,
      ...(object.polygon === undefined ? {} : { segmentation: [object.polygon] }),
    })
  })
}

interface YoloObject {
  classId: number
  box: CornerBox
  polygon?: number[]
}

/** Reads one line; fractions become pixels. Undefined when it is not of either form. */
function parseRow(row: string, size: { width: number; height: number }): YoloObject | undefined {
  const numbers = row.trim().split(/\s+/).map(Number)
  const [classId, ...values] = numbers
  if (classId === undefined || !Number.isInteger(classId) || classId < 0 || !values.every(Number.isFinite)) {
    return undefined
  }
  if (values.length === 4) {
    const [cx, cy, w, h] = values as [number, number, number, number]
    const [width, height] = [w * size.width, h * size.height]
    return {
      classId,
      box: { x: cx * size.width - width / 2, y: cy * size.height - height / 2, width, height },
    }
  }
  if (values.length < 6 || values.length % 2 !== 0) {
    return undefined
  }
  const polygon = values.map((value, i) => value * (i % 2 === 0 ? size.width : size.height))
  const xs = polygon.filter((_, i) => i % 2 === 0)
  const ys = polygon.filter((_, i) => i % 2 === 1)
  const least = (list: number[]) => list.reduce((a, b) => Math.min(a, b))
  const most = (list: number[]) => list.reduce((a, b) => Math.max(a, b))
  const [x, y] = [least(xs), least(ys)]
  return { classId, box: { x, y, width: most(xs) - x, height: most(ys) - y }, polygon }
}

/** Area inside a polygon by the shoelace formula, square pixels. */
export function polygonArea(polygon: readonly number[]): number {
  let twice = 0
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length
    twice += polygon[i]! * polygon[next + 1]! - polygon[next]! * polygon[i + 1]!
  }
  return Math.abs(twice) / 2
}
