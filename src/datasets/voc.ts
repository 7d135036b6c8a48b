import { basename, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import type { Annotation, Dataset, DatasetImage, ReadOptions } from './dataset.ts'
import { decodeXml } from './decode-xml.ts'
import { mapInOrder } from './in-order.ts'
import { checkBytes, MAX_CLASSES, MAX_VOC_BYTES } from './limits.ts'
import { isInside } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'
import { boxProblem, ProblemList } from './problem.ts'
import { readFile } from './readable.ts'
import { chooseVocPart, VocTree } from './voc-tree.ts'
import { parseVoc, type VocFile, type VocObject } from './voc-xml.ts'

/** Files open at once; annotation files are small, so the disk is the limit, not memory. */
const CONCURRENCY = 16

interface VocPicture {
  stem: string
  xml: string
  /** Undefined when the file could not be read; `failed` then says why. */
  file: VocFile | undefined
  failed: string | undefined
  path: string | undefined
  size: { width: number; height: number } | undefined
}

/**
 * Reads a Pascal VOC folder, as `VocTree` finds its parts.
 *
 * Boxes are taken as written, `xmin … xmax` being the two edges in pixels, as labelling tools and Boxlet write them.
 * The original VOC counts pixels from 1 and means the last pixel by `xmax`. The difference is one pixel.
 */
export async function readVoc(folder: string, options: ReadOptions = {}): Promise<Dataset> {
  const tree = await VocTree.open(folder, options.images)
  const part = await chooseVocPart(tree, options.split)
  const stems = await tree.stems(part)
  if (stems.length === 0) {
    throw new BoxletError('DATASET_INVALID', `Expected VOC annotations in "${folder}" but found no XML file.`)
  }
  const pictures = await mapInOrder(stems, CONCURRENCY, (stem) => readPicture(tree, stem), options.signal)
  const list = new ProblemList(options.problems)
  const names = classNames(pictures, options.classes)
  const dataset: Dataset = {
    name: part === undefined ? basename(tree.root) : `${basename(tree.root)} ${part}`,
    format: 'voc',
    categories: names.map((name, i) => ({ id: i + 1, name })),
    images: [],
    annotations: [],
    problems: list.problems,
    notes: [],
  }
  for (const picture of pictures) {
    addPicture(dataset, picture, list)
  }
  return dataset
}

async function readPicture(tree: VocTree, stem: string): Promise<VocPicture> {
  const xml = (await tree.xml(stem)) ?? join(tree.annotations, `${stem}.xml`)
  const missing = { stem, xml, file: undefined, path: undefined, size: undefined }
  if (!isInside(tree.annotations, xml)) {
    return { ...missing, failed: 'Expected a name inside the annotation folder' }
  }
  let file: VocFile
  try {
    await checkBytes(xml, MAX_VOC_BYTES, 'a VOC annotation')
    file = parseVoc(decodeXml(await readFile(xml)))
  } catch (error) {
    return { ...missing, failed: oneLine((error as Error).message) }
  }
  const path = await tree.picture(stem, file.fileName)
  // Tools have been seen to write sizes of other pictures, so the file itself is asked first.
  const size = (path === undefined ? undefined : await pictureSize(path)) ?? file.size
  return { stem, xml, file, failed: undefined, path, size }
}

const oneLine = (message: string): string => message.replace(/\s+/g, ' ').replace(/\.$/, '').slice(0, 300)

function classNames(pictures: VocPicture[], expected: readonly string[] | undefined): string[] {
  if (expected !== undefined) {
    return [...expected]
  }
  const names = new Set(
    pictures.flatMap((picture) => picture.file?.objects.map((object) => object.name) ?? []),
  )
  if (names.size > MAX_CLASSES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${MAX_CLASSES} classes but received ${names.size}.`,
    )
  }
  return [...names].sort()
}

function addPicture(dataset: Dataset, picture: VocPicture, list: ProblemList): void {
  const { file, xml } = picture
  if (file === undefined) {
    list.add({
      kind: 'annotation-invalid',
      file: xml,
      message: picture.failed ?? 'Expected a VOC annotation',
    })
    return
  }
  if (picture.path === undefined) {
    const name = file.fileName ?? picture.stem
    list.add({
      kind: 'picture-missing',
      file: xml,
      line: 1,
      message: `Expected the picture "${name}" but there is no such file`,
    })
  }
  // Without its picture an annotation cannot be checked or evaluated, so it goes unless asked to stay.
  if (picture.path === undefined && list.policy !== 'keep') {
    return
  }
  if (picture.size === undefined) {
    const message = 'Expected <size> or a picture that can be read but there is neither'
    list.add({ kind: 'annotation-invalid', file: xml, line: 1, message })
    return
  }
  if (file.size !== undefined && picture.path !== undefined && !sameSize(file.size, picture.size)) {
    const message = `Expected the size of the picture, ${picture.size.width} × ${picture.size.height}, but received ${file.size.width} × ${file.size.height}`
    list.add({ kind: 'picture-size', file: xml, line: 1, message })
  }
  const image: DatasetImage = {
    id: dataset.images.length + 1,
    fileName: basename(picture.path ?? file.fileName ?? `${picture.stem}.jpg`),
    path: picture.path ?? '',
    ...picture.size,
  }
  dataset.images.push(image)
  for (const { line, message } of file.invalid) {
    list.add({ kind: 'annotation-invalid', file: xml, line, message })
  }
  const ids = new Map(dataset.categories.map((category) => [category.name, category.id]))
  for (const object of file.objects) {
    addObject(dataset, image, object, xml, ids, list)
  }
}

const sameSize = (a: { width: number; height: number }, b: { width: number; height: number }): boolean =>
  a.width === b.width && a.height === b.height

function addObject(
  dataset: Dataset,
  image: DatasetImage,
  object: VocObject,
  xml: string,
  ids: Map<string, number>,
  list: ProblemList,
): void {
  const categoryId = ids.get(object.name)
  if (categoryId === undefined) {
    const message = `Expected a known class but received "${object.name}"`
    list.add({ kind: 'class-unknown', file: xml, line: object.line, message })
    return
  }
  const box = {
    x: object.xmin,
    y: object.ymin,
    width: object.xmax - object.xmin,
    height: object.ymax - object.ymin,
  }
  const wrong = boxProblem(box, image)
  if (wrong !== undefined) {
    const kept = list.keeps({ ...wrong, file: xml, line: object.line })
    if (!kept || wrong.kind === 'box-empty') {
      return
    }
  }
  const annotation: Annotation = {
    id: dataset.annotations.length + 1,
    imageId: image.id,
    categoryId,
    box,
    area: box.width * box.height,
    crowd: false,
    difficult: object.difficult,
    extra: { truncated: object.truncated, ...defined({ pose: object.pose }) },
  }
  dataset.annotations.push(annotation)
}
