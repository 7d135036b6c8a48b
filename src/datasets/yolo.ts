import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { BoxletError } from '../errors.ts'
import { counted } from '../system/words.ts'
import type { Annotation, Dataset, DatasetImage, ReadOptions } from './dataset.ts'
import { FileFinder, pathEnds } from './find-file.ts'
import { mapInOrder } from './in-order.ts'
import {
  checkBytes,
  MAX_LIST_BYTES,
  MAX_OBJECTS_PER_PICTURE,
  MAX_PICTURES,
  MAX_YOLO_BYTES,
} from './limits.ts'
import { polygonArea } from './outline.ts'
import { isFolder, isPictureName, listPictures } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'
import { boxProblem, duplicateClasses, type Problem, ProblemList } from './problem.ts'
import { readYoloConfig, type YoloConfig } from './yolo-config.ts'
import { type KeypointShape, looksLikeKeypoints, parseYoloLine, type YoloObject } from './yolo-text.ts'

const CONCURRENCY = 16

interface YoloPicture {
  path: string
  /** The label file; where there is none, the place where it is looked for first. */
  labels: string
  /** Undefined when the picture is missing or not readable. */
  size: { width: number; height: number } | undefined
  exists: boolean
  /** Undefined when there is no label file: a picture without objects. */
  text: string | undefined
}

/**
 * Reads a YOLO set by what describes it (see `readYoloConfig`): pictures, and for each a text file under `labels`, or
 * beside the picture, with a line per object. Polygons give their upright hull and are kept as the segmentation; key
 * points are kept as COCO's `keypoints`.
 */
export async function readYolo(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const config = await readYoloConfig(path)
  const part = choosePart(config, options.split, path)
  const files = await listPart(config, part)
  if (files.length > MAX_PICTURES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${MAX_PICTURES} pictures but received ${files.length}.`,
    )
  }
  const finder = new FileFinder()
  const pictures = await mapInOrder(files, CONCURRENCY, (file) => readPicture(file, finder), options.signal)
  const list = new ProblemList(options.problems)
  const dataset: Dataset = {
    name: `${basename(dirname(resolve(path)))} ${part}`,
    format: 'yolo',
    categories: config.names.map((name, id) => ({ id, name })),
    images: [],
    annotations: [],
    problems: list.problems,
    notes: Object.entries(config.missing).map(
      ([name, sources]) =>
        `"${basename(path)}" names the part ${name} at "${sources[0]}", but nothing is there.`,
    ),
  }
  for (const message of duplicateClasses(dataset.categories)) {
    list.add({ kind: 'class-duplicate', file: path, message })
  }
  const reader = new LabelReader(dataset, list, config.keypoints, options.classes)
  const root = commonFolder(files)
  for (const picture of pictures) {
    reader.add(picture, root)
  }
  reader.finish(path, part, pictures)
  return dataset
}

function choosePart(config: YoloConfig, asked: string | undefined, path: string): string {
  const parts = Object.keys(config.splits)
  const chosen = asked === undefined ? ['test', 'val', 'train'].find((name) => parts.includes(name)) : asked
  const missing = (
    asked === undefined || asked === 'all' ? Object.values(config.missing) : [config.missing[asked]]
  )
    .flat()
    .find((source) => source !== undefined)
  const usable = asked === 'all' ? parts.length > 0 : chosen !== undefined && parts.includes(chosen)
  if (usable) {
    return chosen!
  }
  if (missing !== undefined) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a folder or a .txt list at "${missing}" but there is none.`,
      { hint: `"${path}" names it.` },
    )
  }
  throw new BoxletError(
    'DATASET_INVALID',
    `Expected the part "${asked ?? 'val'}" in "${path}" but received ${parts.length === 0 ? 'none' : parts.join(', ')}.`,
  )
}

async function listPart({ splits }: YoloConfig, part: string): Promise<string[]> {
  const sources = part === 'all' ? Object.values(splits).flat() : splits[part]!
  const files: string[] = []
  for (const source of new Set(sources)) {
    if (await isFolder(source)) {
      files.push(...(await listPictures(source)))
    } else if (source.endsWith('.txt')) {
      files.push(...(await readList(source)))
    } else {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected a folder or a .txt list at "${source}" but it is neither.`,
      )
    }
  }
  return [...new Set(files)].sort()
}

/** A list of picture paths, relative to the list or of the machine on which it was written. */
async function readList(path: string): Promise<string[]> {
  await checkBytes(path, MAX_LIST_BYTES, 'a picture list')
  const lines = (await readFile(path, 'utf8'))
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && isPictureName(line))
  const folder = dirname(path)
  const finder = new FileFinder()
  return mapInOrder(lines, CONCURRENCY, async (line) => {
    const named = resolve(folder, line)
    if (isAbsolute(line) && (await finder.find(dirname(named), basename(named))) !== undefined) {
      return named
    }
    for (const end of pathEnds(line)) {
      const found = await finder.find(folder, end)
      if (found !== undefined) {
        return found
      }
    }
    return named
  })
}

/** `…/images/…/a.jpg` has its labels in `…/labels/…/a.txt`, by the last folder called `images`. */
export function labelPath(picture: string): string {
  const parts = picture.split(sep)
  const place = parts.lastIndexOf('images')
  if (place >= 0) {
    parts[place] = 'labels'
  }
  return parts.join(sep).replace(/\.[^.]+$/, '.txt')
}

async function readPicture(written: string, finder: FileFinder): Promise<YoloPicture> {
  const path = await finder.find(dirname(written), basename(written))
  const named = path ?? written
  const labels = await findLabels(named, finder)
  const size = path === undefined ? undefined : await pictureSize(path)
  const exists = path !== undefined
  if (labels === undefined) {
    return { path: named, labels: labelPath(named), size, exists, text: undefined }
  }
  await checkBytes(labels, MAX_YOLO_BYTES, 'a label file')
  const text = (await readFile(labels, 'utf8')).replace(/^\uFEFF/, '')
  return { path: named, labels, size, exists, text }
}

/** Under `labels` as Ultralytics has it, beside the picture as darknet and LabelImg have it, or in `labels` beside its folder. */
async function findLabels(picture: string, finder: FileFinder): Promise<string | undefined> {
  const folder = dirname(picture)
  const name = `${basename(picture, extname(picture))}.txt`
  for (const place of [
    dirname(labelPath(picture)),
    folder,
    join(folder, '..', 'labels'),
    join(folder, 'labels'),
  ]) {
    const found = await finder.find(place, name)
    if (found !== undefined) {
      return found
    }
  }
  return undefined
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

/** Puts pictures and the lines of their label files into a data set. */
class LabelReader {
  readonly #dataset: Dataset
  readonly #list: ProblemList
  readonly #keypoints: KeypointShape | undefined
  readonly #expected: readonly string[] | undefined
  #scores = 0
  /** Polygons, and how many of them look like key points. */
  #polygons = 0
  #pointLike = 0
  #firstPointLike: { file: string; line: number } | undefined

  constructor(
    dataset: Dataset,
    list: ProblemList,
    keypoints: KeypointShape | undefined,
    expected: readonly string[] | undefined,
  ) {
    this.#dataset = dataset
    this.#list = list
    this.#keypoints = keypoints
    this.#expected = expected
  }

  add(picture: YoloPicture, root: string): void {
    const { size } = picture
    if (size === undefined) {
      const message = picture.exists
        ? 'Expected a picture but the file cannot be read'
        : 'Expected a picture but there is no such file'
      this.#list.add({
        kind: picture.exists ? 'picture-unreadable' : 'picture-missing',
        file: picture.path,
        message,
      })
      return
    }
    const fileName = relative(root, picture.path).split(sep).join('/')
    const image: DatasetImage = {
      id: this.#dataset.images.length + 1,
      fileName,
      path: picture.path,
      ...size,
    }
    this.#dataset.images.push(image)
    let objects = 0
    for (const [i, line] of (picture.text ?? '').split(/\r?\n/).entries()) {
      if (line.trim() === '') {
        continue
      }
      if (++objects > MAX_OBJECTS_PER_PICTURE) {
        const message = `Expected at most ${MAX_OBJECTS_PER_PICTURE} objects in a picture`
        this.#list.add({ kind: 'annotation-invalid', file: picture.labels, line: i + 1, message })
        return
      }
      this.#addLine(line, image, { file: picture.labels, line: i + 1 })
    }
  }

  #addLine(line: string, image: DatasetImage, place: { file: string; line: number }): void {
    const problem = (kind: Problem['kind'], message: string): Problem => ({ kind, ...place, message })
    const object = parseYoloLine(line, image, this.#keypoints)
    if (object === undefined) {
      this.#list.add(problem('annotation-invalid', this.#expectedLine(line)))
      return
    }
    if (object.polygon !== undefined) {
      this.#polygons++
      if (looksLikeKeypoints(line)) {
        this.#pointLike++
        this.#firstPointLike ??= place
      }
    }
    const category = this.#dataset.categories[object.classId]
    if (category === undefined || (this.#expected !== undefined && !this.#expected.includes(category.name))) {
      const message = `Expected a class below ${this.#dataset.categories.length} but received ${object.classId}`
      this.#list.add(problem('class-unknown', message))
      return
    }
    const wrong = boxProblem(object.box, image)
    if (wrong !== undefined) {
      if (!this.#list.keeps(problem(wrong.kind, wrong.message)) || wrong.kind === 'box-empty') {
        return
      }
    }
    this.#scores += object.score === undefined ? 0 : 1
    this.#dataset.annotations.push(
      annotationOf(object, this.#dataset.annotations.length + 1, image, category.id),
    )
  }

  #expectedLine(line: string): string {
    if (this.#keypoints !== undefined) {
      const { count, dimensions } = this.#keypoints
      return `Expected a class number, four numbers and ${count} key points of ${dimensions} numbers, as kpt_shape says`
    }
    const forms = 'Expected a class number and four numbers, or a polygon of at least three points'
    const values = line.trim().split(/\s+/).length - 1
    return values > 6 && (values - 4) % 3 === 0
      ? `${forms}; key points need "kpt_shape" in the data.yaml`
      : forms
  }

  /** Says what only the whole part shows. */
  finish(path: string, part: string, pictures: readonly YoloPicture[]): void {
    const { notes } = this.#dataset
    if (this.#scores > 0) {
      notes.push(`${counted(this.#scores, 'line')} of detections: the scores are left out.`)
    }
    if (this.#firstPointLike !== undefined && this.#pointLike === this.#polygons) {
      const message =
        'Expected "kpt_shape" in the data.yaml, as every line reads as a box with key points, but there is none'
      this.#list.add({ kind: 'annotation-invalid', ...this.#firstPointLike, message })
    }
    const without = pictures.filter(({ text }) => text === undefined)
    const [first] = without
    if (first !== undefined && without.length === pictures.length) {
      const message = `Expected label files for the part ${part} but none of ${counted(pictures.length, 'picture')} has one; looked for "${labelPath(first.path)}" and beside the picture`
      this.#list.add({ kind: 'labels-missing', file: path, message })
    } else if (first !== undefined) {
      notes.push(
        `${without.length} of ${pictures.length} pictures have no label file, which means that nothing is on them; the first is "${first.path}".`,
      )
    }
    const beside = pictures.filter(
      ({ path: file, labels, text }) => text !== undefined && labels !== labelPath(file),
    )
    if (beside.length > 0) {
      notes.push(
        `Labels of ${counted(beside.length, 'picture')} lie where trainers do not look for them: "${beside[0]!.labels}" and not "${labelPath(beside[0]!.path)}".`,
      )
    }
  }
}

const annotationOf = (
  { box, polygon, keypoints }: YoloObject,
  id: number,
  image: DatasetImage,
  categoryId: number,
): Annotation => ({
  id,
  imageId: image.id,
  categoryId,
  box,
  area: polygon === undefined ? box.width * box.height : polygonArea(polygon),
  crowd: false,
  difficult: false,
  ...(polygon === undefined ? {} : { segmentation: [polygon] }),
  ...(keypoints === undefined
    ? {}
    : {
        extra: { keypoints, num_keypoints: keypoints.filter((value, i) => i % 3 === 2 && value > 0).length },
      }),
})
