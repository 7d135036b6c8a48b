/** Where the pictures and label files of a YOLO set lie. */
import { basename, dirname, extname, isAbsolute, join, resolve, sep } from 'node:path'
import { BoxletError } from '../errors.ts'
import { FileFinder, pathEnds } from './find-file.ts'
import { mapInOrder } from './in-order.ts'
import { checkBytes, MAX_LIST_BYTES, MAX_YOLO_BYTES } from './limits.ts'
import { isFolder, isPictureName, listPictures } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'
import { readFile } from './readable.ts'
import type { YoloConfig } from './yolo-config.ts'

/** Files that are opened at once. */
export const CONCURRENCY = 16

export interface YoloPicture {
  path: string
  /** The label file; where there is none, the place where it is looked for first. */
  labels: string
  /** Undefined when the picture is missing or not readable. */
  size: { width: number; height: number } | undefined
  exists: boolean
  /** Undefined when there is no label file: a picture without objects. */
  text: string | undefined
}

/** Paths of the pictures of a part, sorted. @throws BoxletError DATASET_INVALID */
export async function listPart({ splits }: YoloConfig, part: string): Promise<string[]> {
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

export async function readPicture(written: string, finder: FileFinder): Promise<YoloPicture> {
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
