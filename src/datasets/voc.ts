import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import type { Annotation, Dataset, DatasetImage, ReadOptions } from './dataset.ts'
import { mapInOrder } from './in-order.ts'
import { checkBytes, MAX_CLASSES, MAX_LIST_BYTES, MAX_PICTURES, MAX_VOC_BYTES } from './limits.ts'
import { isFile, isFolder, isInside, pictureOfStem } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'
import { boxProblem, ProblemList } from './problem.ts'
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
 * Reads a Pascal VOC folder: `Annotations/*.xml`, `JPEGImages`, and lists of picture names in
 * `ImageSets/Main`. A folder with XML files beside the pictures, as labelling tools leave it, is read too.
 *
 * Boxes are taken as written, `xmin … xmax` being the two edges in pixels. The original VOC counts pixels from
 * 1 and means the last pixel by `xmax`; labelling tools write edges. The difference is one pixel.
 */
export async function readVoc(folder: string, options: ReadOptions = {}): Promise<Dataset> {
  const root = resolve(folder)
  const annotations = (await isFolder(join(root, 'Annotations'))) ? join(root, 'Annotations') : root
  const imageRoot =
    options.images ?? ((await isFolder(join(root, 'JPEGImages'))) ? join(root, 'JPEGImages') : root)
  const split = await chooseSplit(root, options.split)
  const stems = split === undefined ? await listStems(annotations) : await readSplit(root, split)
  if (stems.length === 0) {
    throw new BoxletError('DATASET_INVALID', `Expected VOC annotations in "${folder}" but found no XML file.`)
  }
  const pictures = await mapInOrder(
    stems,
    CONCURRENCY,
    (stem) => readPicture(annotations, resolve(imageRoot), stem),
    options.signal,
  )
  const list = new ProblemList(options.problems)
  const names = classNames(pictures, options.classes)
  const dataset: Dataset = {
    name: split === undefined ? basename(root) : `${basename(root)} ${split}`,
    format: 'voc',
    categories: names.map((name, i) => ({ id: i + 1, name })),
    images: [],
    annotations: [],
    problems: list.problems,
  }
  for (const picture of pictures) {
    addPicture(dataset, picture, list)
  }
  return dataset
}

async function chooseSplit(root: string, asked: string | undefined): Promise<string | undefined> {
  const list = (name: string) => join(root, 'ImageSets', 'Main', `${name}.txt`)
  if (asked === 'all') {
    return undefined
  }
  if (asked !== undefined) {
    if (/^[\w.-]+$/.test(asked) && (await isFile(list(asked)))) {
      return asked
    }
    const splits = await vocSplits(root)
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a split list ImageSets/Main/${asked}.txt but there is none.`,
      { hint: splits.length === 0 ? 'The set has no split lists.' : `There are: ${splits.join(', ')}, all.` },
    )
  }
  for (const name of ['test', 'val']) {
    if (await isFile(list(name))) {
      return name
    }
  }
  return undefined
}

/** Names of the split lists of a VOC folder. */
export async function vocSplits(root: string): Promise<string[]> {
  const files = await readdir(join(root, 'ImageSets', 'Main')).catch(() => [])
  return files
    .filter((name) => name.endsWith('.txt'))
    .map((name) => name.slice(0, -4))
    .sort()
}

async function readSplit(root: string, split: string): Promise<string[]> {
  const path = join(root, 'ImageSets', 'Main', `${split}.txt`)
  await checkBytes(path, MAX_LIST_BYTES, 'a split list')
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/)
  // Lists of one class carry −1, 0 or 1 after the name; the name alone says which pictures belong.
  const stems = lines.map((line) => line.trim().split(/\s+/)[0]!).filter((stem) => stem !== '')
  return [...new Set(stems.map((stem) => stem.replace(/\.(xml|jpe?g|png)$/i, '')))].slice(0, MAX_PICTURES)
}

async function listStems(annotations: string): Promise<string[]> {
  const files = await readdir(annotations).catch(() => [])
  return files
    .filter((name) => name.toLowerCase().endsWith('.xml'))
    .map((name) => name.slice(0, -4))
    .sort()
    .slice(0, MAX_PICTURES)
}

async function readPicture(annotations: string, imageRoot: string, stem: string): Promise<VocPicture> {
  const xml = join(annotations, `${stem}.xml`)
  const missing = { stem, xml, file: undefined, path: undefined, size: undefined }
  if (!isInside(annotations, xml)) {
    return { ...missing, failed: 'Expected a name inside the annotation folder' }
  }
  let file: VocFile
  try {
    await checkBytes(xml, MAX_VOC_BYTES, 'a VOC annotation')
    file = parseVoc(decodeText(await readFile(xml)))
  } catch (error) {
    return { ...missing, failed: oneLine((error as Error).message) }
  }
  const path = await findPicture(imageRoot, stem, file.fileName)
  // Tools have been seen to write sizes of other pictures, so the file itself is asked first.
  const size = (path === undefined ? undefined : await pictureSize(path)) ?? file.size
  return { stem, xml, file, failed: undefined, path, size }
}

/** The file of the same stem; else the one that the annotation names, when it lies in the picture folder. */
async function findPicture(
  root: string,
  stem: string,
  fileName: string | undefined,
): Promise<string | undefined> {
  const found = await pictureOfStem(root, stem)
  if (found !== undefined || fileName === undefined) {
    return found
  }
  const named = resolve(root, fileName)
  return isInside(root, named) && (await isFile(named)) ? named : undefined
}

/** XML is UTF-8 unless its first bytes say UTF-16, as some Windows tools write. */
function decodeText(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
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
