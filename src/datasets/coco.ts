import { basename } from 'node:path'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import { isRecord } from '../system/record.ts'
import { addLines, isSegmentation, readBox } from './coco-fields.ts'
import type { Annotation, Category, Dataset, DatasetImage, ReadOptions } from './dataset.ts'
import { PictureFinder } from './find-picture.ts'
import { mapInOrder } from './in-order.ts'
import { checkBytes, MAX_CLASSES, MAX_COCO_BYTES, MAX_EDGE, MAX_PICTURES } from './limits.ts'
import { measureOutline } from './outline.ts'
import { pictureSize } from './picture-size.ts'
import { boxProblem, duplicateClasses, type Problem, type ProblemKind, ProblemList } from './problem.ts'
import { readFile } from './readable.ts'

type Fields = Record<string, unknown>

/**
 * Reads COCO instances JSON. Boxes, areas, crowds and segmentations stay as they are written, and fields
 * that Boxlet does not use are kept for writing.
 */
export async function readCoco(path: string, options: ReadOptions = {}): Promise<Dataset> {
  await checkBytes(path, MAX_COCO_BYTES, 'COCO annotations')
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  const json = parse(text, path)
  const reader = new CocoReader(path, options)
  try {
    await reader.read(json)
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
    notes: reader.notes,
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
  if (!isRecord(json) || !Array.isArray(json.images) || !Array.isArray(json.categories)) {
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

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** An id as a key: JSON has them as numbers, and some tools as texts. */
const idOf = (value: unknown): string | undefined =>
  Number.isSafeInteger(value) ? String(value) : isText(value) ? value : undefined

/** Ids stay as they are where all of them are numbers, texts of digits included; else they are numbered in order. */
function numbering(
  entries: readonly unknown[],
): (id: string, place: number) => { id: number; sourceId?: string } {
  const ids = entries.map((entry) => (isRecord(entry) ? idOf(entry.id) : undefined))
  const isNumber = (id: string) => String(Number(id)) === id && Number.isSafeInteger(Number(id))
  return ids.every((id) => id === undefined || isNumber(id))
    ? (id) => ({ id: Number(id) })
    : (id, place) => ({ id: place + 1, sourceId: id })
}

function firstName(images: readonly unknown[]): string | undefined {
  const [first] = images
  return isRecord(first) && isText(first.file_name) ? first.file_name : undefined
}

const isEdge = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_EDGE

/** Files opened at once for their sizes. */
const CONCURRENCY = 16

class CocoReader {
  readonly list: ProblemList
  readonly categories: Category[] = []
  readonly images: DatasetImage[] = []
  readonly annotations: Annotation[] = []
  readonly notes: string[] = []
  readonly #path: string
  readonly #options: ReadOptions
  readonly #expected: ReadonlySet<string> | undefined

  constructor(path: string, options: ReadOptions) {
    this.#path = path
    this.#options = options
    this.list = new ProblemList(options.problems)
    this.#expected = options.classes === undefined ? undefined : new Set(options.classes)
  }

  async read(json: Fields): Promise<void> {
    const categories = this.#readCategories(json.categories as unknown[])
    const images = await this.#readImages(json.images as unknown[])
    const annotations = json.annotations ?? []
    if (!Array.isArray(annotations)) {
      throw new BoxletError('DATASET_INVALID', `Expected a list for "annotations" in "${this.#path}".`)
    }
    this.#readAnnotations(annotations, images, categories)
    if (annotations.length === 0 && images.size > 0) {
      const message = 'Expected annotations for the pictures but there are none'
      this.list.add({ kind: 'labels-missing', file: this.#path, message })
    }
  }

  #problem(kind: ProblemKind, at: string, message: string): Problem {
    return { kind, file: this.#path, at, message }
  }

  #readCategories(entries: unknown[]): Map<string, Category> {
    const byId = new Map<string, Category>()
    const number = numbering(entries)
    entries.forEach((entry, i) => {
      const id = isRecord(entry) ? idOf(entry.id) : undefined
      if (!isRecord(entry) || id === undefined || typeof entry.name !== 'string' || byId.has(id)) {
        const message = 'Expected a category with an id of its own as "id" and a text as "name"'
        this.list.add(this.#problem('annotation-invalid', `categories[${i}]`, message))
        return
      }
      const { name, supercategory } = entry
      byId.set(id, {
        ...number(id, i),
        name,
        ...(typeof supercategory === 'string' ? { supercategory } : {}),
      })
    })
    this.categories.push(...[...byId.values()].sort((a, b) => a.id - b.id))
    for (const message of duplicateClasses(this.categories)) {
      this.list.add({ kind: 'class-duplicate', file: this.#path, message })
    }
    return byId
  }

  async #readImages(entries: unknown[]): Promise<Map<string, DatasetImage>> {
    const byId = new Map<string, DatasetImage>()
    const number = numbering(entries)
    const finder = await PictureFinder.open(this.#path, this.#options.images, firstName(entries))
    const sized = await mapInOrder(
      entries,
      CONCURRENCY,
      async (entry) => {
        const found =
          isRecord(entry) && isText(entry.file_name) ? await finder.find(entry.file_name) : undefined
        const measured =
          isRecord(entry) && !(isEdge(entry.width) && isEdge(entry.height)) && found?.exists
            ? await pictureSize(found.path)
            : undefined
        return { found, measured }
      },
      this.#options.signal,
    )
    entries.forEach((entry, i) => {
      const at = `images[${i}]`
      const id = isRecord(entry) ? idOf(entry.id) : undefined
      if (!isRecord(entry) || id === undefined || !isText(entry.file_name)) {
        this.list.add(this.#problem('annotation-invalid', at, 'Expected a picture with "id" and "file_name"'))
        return
      }
      const { id: _id, file_name, width: statedWidth, height: statedHeight, ...extra } = entry
      const { found, measured } = sized[i]!
      const { width, height } = measured ?? { width: statedWidth, height: statedHeight }
      if (found === undefined) {
        const message = `Expected a picture inside the image folder but received "${file_name}"`
        this.list.add(this.#problem('annotation-invalid', at, message))
        return
      }
      if (!isEdge(width) || !isEdge(height)) {
        const message = `Expected whole "width" and "height" for "${file_name}", or the picture itself, but received ${width} × ${height}`
        this.list.add(this.#problem('annotation-invalid', at, message))
        return
      }
      if (byId.has(id)) {
        this.list.add(
          this.#problem('picture-duplicate', at, `Expected each picture once but id ${id} comes again`),
        )
        return
      }
      byId.set(id, { ...number(id, i), fileName: found.fileName, path: found.path, width, height, extra })
    })
    this.images.push(...[...byId.values()].sort((a, b) => a.id - b.id))
    this.notes.push(...finder.notes())
    return byId
  }

  #readAnnotations(
    entries: unknown[],
    images: Map<string, DatasetImage>,
    categories: Map<string, Category>,
  ): void {
    for (let i = 0; i < entries.length; i++) {
      const annotation = this.#readAnnotation(entries[i], `annotations[${i}]`, images, categories)
      if (annotation !== undefined) {
        this.annotations.push(annotation)
      }
    }
  }

  #readAnnotation(
    entry: unknown,
    at: string,
    images: Map<string, DatasetImage>,
    categories: Map<string, Category>,
  ): Annotation | undefined {
    const outline = isRecord(entry) && isSegmentation(entry.segmentation) ? entry.segmentation : undefined
    const written = isRecord(entry) ? readBox(entry.bbox) : undefined
    const measured = written === undefined && outline !== undefined ? measureOutline(outline) : undefined
    const box = written ?? measured?.box
    const imageId = isRecord(entry) ? idOf(entry.image_id) : undefined
    if (!isRecord(entry) || box === undefined || imageId === undefined) {
      const message =
        'Expected an annotation with "image_id" and four finite numbers as "bbox", or an outline as "segmentation"'
      this.list.add(this.#problem('annotation-invalid', at, message))
      return undefined
    }
    const { id, image_id, category_id, bbox, area, iscrowd, ignore, segmentation, ...extra } = entry
    const picture = images.get(imageId)
    if (picture === undefined) {
      this.list.add(
        this.#problem('picture-unlisted', at, `Expected a listed picture but received id ${imageId}`),
      )
      return undefined
    }
    const category = categories.get(idOf(category_id) ?? '')
    if (category === undefined || (this.#expected !== undefined && !this.#expected.has(category.name))) {
      const shown = category === undefined ? `id ${String(category_id)}` : `"${category.name}"`
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
      id: Number.isSafeInteger(id) ? (id as number) : this.annotations.length + 1,
      imageId: picture.id,
      categoryId: category.id,
      box,
      area: Number.isFinite(area) ? (area as number) : (measured?.area ?? box.width * box.height),
      crowd: iscrowd === 1 || iscrowd === true,
      difficult: ignore === 1 || ignore === true ? !(iscrowd === 1 || iscrowd === true) : false,
      ...defined({ segmentation: outline }),
      extra,
    }
  }
}
