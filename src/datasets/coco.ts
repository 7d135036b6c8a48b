import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import type {
  Annotation,
  Category,
  CornerBox,
  Dataset,
  DatasetImage,
  ReadOptions,
  Segmentation,
} from './dataset.ts'
import { elementLines } from './json-lines.ts'
import { checkBytes, MAX_CLASSES, MAX_COCO_BYTES, MAX_EDGE, MAX_PICTURES } from './limits.ts'
import { findImageRoot, isInside } from './picture-files.ts'
import { boxProblem, type Problem, type ProblemKind, ProblemList } from './problem.ts'

type Fields = Record<string, unknown>

/**
 * Reads COCO instances JSON. Boxes, areas, crowds and segmentations stay as they are written, and fields
 * that Boxlet does not use are kept for writing.
 */
export async function readCoco(path: string, options: ReadOptions = {}): Promise<Dataset> {
  await checkBytes(path, MAX_COCO_BYTES, 'COCO annotations')
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  const json = parse(text, path)
  const imageRoot = options.images === undefined ? await findImageRoot(path, firstName(json)) : options.images
  const reader = new CocoReader(path, resolve(imageRoot), options)
  try {
    reader.read(json)
  } finally {
    addLines(reader.list.problems, text)
  }
  return {
    name: basename(path).replace(/\.json$/i, ''),
    format: 'coco',
    categories: reader.categories,
    images: reader.images,
    annotations: reader.annotations,
    problems: reader.list.problems,
  }
}

function parse(text: string, path: string): Fields {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new BoxletError('DATASET_INVALID', `Expected JSON in "${path}" but ${(cause as Error).message}.`, {
      cause,
    })
  }
  if (!isFields(json) || !Array.isArray(json.images) || !Array.isArray(json.categories)) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected COCO annotations with "images", "annotations" and "categories" in "${path}" but one is missing.`,
      { hint: 'Detections alone are not a data set; pass the file of the ground truth.' },
    )
  }
  if (json.images.length > MAX_PICTURES || json.categories.length > MAX_CLASSES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${MAX_PICTURES} pictures and ${MAX_CLASSES} classes in "${path}" but received ${json.images.length} and ${json.categories.length}.`,
    )
  }
  return json
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is number => Number.isSafeInteger(value)
const isEdge = (value: unknown): value is number => isId(value) && value > 0 && value <= MAX_EDGE

function firstName(json: Fields): string | undefined {
  const first: unknown = (json.images as unknown[])[0]
  return isFields(first) && typeof first.file_name === 'string' ? first.file_name : undefined
}

class CocoReader {
  readonly list: ProblemList
  readonly categories: Category[] = []
  readonly images: DatasetImage[] = []
  readonly annotations: Annotation[] = []
  readonly #path: string
  readonly #root: string
  readonly #expected: ReadonlySet<string> | undefined

  constructor(path: string, root: string, options: ReadOptions) {
    this.#path = path
    this.#root = root
    this.list = new ProblemList(options.problems)
    this.#expected = options.classes === undefined ? undefined : new Set(options.classes)
  }

  read(json: Fields): void {
    this.#readCategories(json.categories as unknown[])
    const images = this.#readImages(json.images as unknown[])
    const annotations = json.annotations ?? []
    if (!Array.isArray(annotations)) {
      throw new BoxletError('DATASET_INVALID', `Expected a list for "annotations" in "${this.#path}".`)
    }
    this.#readAnnotations(annotations, images)
  }

  #problem(kind: ProblemKind, at: string, message: string): Problem {
    return { kind, file: this.#path, at, message }
  }

  #readCategories(entries: unknown[]): void {
    const seen = new Set<number>()
    entries.forEach((entry, i) => {
      if (!isFields(entry) || !isId(entry.id) || typeof entry.name !== 'string' || seen.has(entry.id)) {
        const message = 'Expected a category with a number of its own as "id" and a text as "name"'
        this.list.add(this.#problem('annotation-invalid', `categories[${i}]`, message))
        return
      }
      seen.add(entry.id)
      const supercategory =
        typeof entry.supercategory === 'string' ? { supercategory: entry.supercategory } : {}
      this.categories.push({ id: entry.id, name: entry.name, ...supercategory })
    })
    this.categories.sort((a, b) => a.id - b.id)
  }

  #readImages(entries: unknown[]): Map<number, DatasetImage> {
    const byId = new Map<number, DatasetImage>()
    entries.forEach((entry, i) => {
      const at = `images[${i}]`
      if (!isFields(entry) || !isId(entry.id) || typeof entry.file_name !== 'string') {
        this.list.add(this.#problem('annotation-invalid', at, 'Expected a picture with "id" and "file_name"'))
        return
      }
      const { id, file_name, width, height, ...extra } = entry
      if (!isEdge(width) || !isEdge(height)) {
        const message = `Expected whole "width" and "height" for "${file_name}" but received ${width} × ${height}`
        this.list.add(this.#problem('annotation-invalid', at, message))
        return
      }
      if (byId.has(id)) {
        this.list.add(
          this.#problem('picture-duplicate', at, `Expected each picture once but id ${id} comes again`),
        )
        return
      }
      const fileName = file_name.replaceAll('\\', '/')
      const path = resolve(this.#root, fileName)
      if (!isInside(this.#root, path)) {
        const message = `Expected a picture inside the image folder but received "${file_name}"`
        this.list.add(this.#problem('annotation-invalid', at, message))
        return
      }
      byId.set(id, { id, fileName, path, width, height, extra })
    })
    this.images.push(...[...byId.values()].sort((a, b) => a.id - b.id))
    return byId
  }

  #readAnnotations(entries: unknown[], images: Map<number, DatasetImage>): void {
    const names = new Map(this.categories.map((category) => [category.id, category.name]))
    for (let i = 0; i < entries.length; i++) {
      const annotation = this.#readAnnotation(entries[i], `annotations[${i}]`, images, names)
      if (annotation !== undefined) {
        this.annotations.push(annotation)
      }
    }
  }

  #readAnnotation(
    entry: unknown,
    at: string,
    images: Map<number, DatasetImage>,
    names: Map<number, string>,
  ): Annotation | undefined {
    const box = isFields(entry) ? readBox(entry.bbox) : undefined
    if (!isFields(entry) || box === undefined || !isId(entry.image_id)) {
      const message = 'Expected an annotation with "image_id" and four finite numbers as "bbox"'
      this.list.add(this.#problem('annotation-invalid', at, message))
      return undefined
    }
    const { id, image_id, category_id, bbox: _box, area, iscrowd, ignore, segmentation, ...extra } = entry
    const picture = images.get(image_id)
    if (picture === undefined) {
      this.list.add(
        this.#problem('picture-unlisted', at, `Expected a listed picture but received id ${image_id}`),
      )
      return undefined
    }
    const name = isId(category_id) ? names.get(category_id) : undefined
    if (name === undefined || (this.#expected !== undefined && !this.#expected.has(name))) {
      const shown = name === undefined ? `id ${String(category_id)}` : `"${name}"`
      this.list.add(this.#problem('class-unknown', at, `Expected a known class but received ${shown}`))
      return undefined
    }
    const wrong = boxProblem(box, picture)
    if (wrong !== undefined) {
      const kept = this.list.keeps(this.#problem(wrong.kind, at, `${wrong.message} in "${picture.fileName}"`))
      if (!kept || wrong.kind === 'box-empty') {
        return undefined
      }
    }
    return {
      id: isId(id) ? id : this.annotations.length + 1,
      imageId: image_id,
      categoryId: category_id as number,
      box,
      area: typeof area === 'number' && Number.isFinite(area) ? area : box.width * box.height,
      crowd: iscrowd === 1 || iscrowd === true,
      difficult: ignore === 1 || ignore === true ? !(iscrowd === 1 || iscrowd === true) : false,
      ...(isSegmentation(segmentation) ? { segmentation } : {}),
      extra,
    }
  }
}

function readBox(value: unknown): CornerBox | undefined {
  if (!Array.isArray(value) || value.length !== 4) {
    return undefined
  }
  if (!value.every((number): number is number => Number.isFinite(number))) {
    return undefined
  }
  const [x, y, width, height] = value as [number, number, number, number]
  return { x, y, width, height }
}

const isSegmentation = (value: unknown): value is Segmentation =>
  (Array.isArray(value) && value.length > 0) || (isFields(value) && 'counts' in value)

function addLines(problems: Problem[], text: string): void {
  const places = new Set(problems.flatMap((problem) => problem.at ?? []))
  if (places.size === 0) {
    return
  }
  const lines = elementLines(text, places)
  for (const problem of problems) {
    const line = problem.at === undefined ? undefined : lines.get(problem.at)
    if (line !== undefined) {
      problem.line = line
    }
  }
}
