import { constants } from 'node:fs'
import { copyFile, link, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'
import { BoxletError } from '../errors.ts'
import { makeFolder } from '../system/make-folder.ts'
import type { Dataset, DatasetFormat, DatasetImage } from './dataset.ts'
import { mapInOrder } from './in-order.ts'

/** A part of a data set, e.g. `train`; `all` when it is not divided. */
export interface Part {
  name: string
  dataset: Dataset
}

export interface WriteOptions {
  /** copy (default), link (hard links, copies across disks), or none: annotations only. */
  pictures?: 'copy' | 'link' | 'none'
  /** Writes into a folder that holds files already. */
  force?: boolean
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

export interface Written {
  format: DatasetFormat
  pictures: number
  objects: number
  /** What the format could not hold, one sentence each. */
  losses: string[]
}

/** Files copied at once. */
const CONCURRENCY = 8

/** Makes the folder, and refuses one that holds files: a mistyped path must not cost a data set. */
export async function prepareFolder(folder: string, force: boolean): Promise<void> {
  const entries = await readdir(folder).catch(() => [])
  if (entries.length > 0 && !force) {
    throw new BoxletError(
      'USAGE',
      `Expected an empty folder for the data set but "${folder}" holds ${entries.length} entries.`,
      {
        hint: 'Choose another folder, or pass --force to write into this one.',
      },
    )
  }
  await makeWritable(folder)
}

async function makeWritable(folder: string): Promise<void> {
  try {
    await makeFolder(folder)
  } catch (cause) {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a folder that can be written at "${folder}" but it cannot be.`,
      { cause },
    )
  }
}

export async function writeText(path: string, text: string): Promise<void> {
  await makeWritable(dirname(path))
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a file that can be written at "${path}" but it cannot be.`,
      { cause },
    )
  }
}

/** Puts pictures where the format wants them: pairs of source and target. */
export async function placePictures(
  pairs: readonly [string, string][],
  options: WriteOptions,
): Promise<void> {
  if (options.pictures === 'none') {
    return
  }
  let done = 0
  await Promise.all([...new Set(pairs.map(([, target]) => dirname(target)))].map(makeWritable))
  await mapInOrder(
    pairs,
    CONCURRENCY,
    async ([source, target]) => {
      try {
        await place(source, target, options.pictures === 'link')
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code
        if (code === 'ENOENT') {
          throw new BoxletError(
            'DATASET_INVALID',
            `Expected the picture "${source}" but there is no such file.`,
            { cause },
          )
        }
        throw new BoxletError(
          'OUTPUT_UNWRITABLE',
          `Expected a picture that can be written at "${target}" but it cannot be.`,
          { cause },
        )
      }
      options.onProgress?.(++done, pairs.length)
    },
    options.signal,
  )
}

async function place(source: string, target: string, asLink: boolean): Promise<void> {
  if (asLink) {
    try {
      return await link(source, target)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EEXIST') {
        return
      }
      if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP') {
        throw error
      }
    }
  }
  // Where the file system can, both files share their blocks until one changes.
  await copyFile(source, target, constants.COPYFILE_FICLONE)
}

/**
 * Names for a flat folder: folders of the name become part of it, and equal stems are numbered, since VOC and
 * YOLO tell pictures apart by the stem alone.
 */
export function flatNames(
  images: readonly DatasetImage[],
  taken: Set<string> = new Set(),
): Map<number, string> {
  const names = new Map<number, string>()
  for (const image of images) {
    const ending = extname(image.fileName)
    const stem = image.fileName.slice(0, image.fileName.length - ending.length).replace(/[^\w.()@+ -]+/g, '_')
    let candidate = stem
    for (let i = 2; taken.has(candidate.toLowerCase()); i++) {
      candidate = `${stem}-${i}`
    }
    taken.add(candidate.toLowerCase())
    names.set(image.id, candidate + ending)
  }
  return names
}

export const stemOf = (name: string): string => basename(name, extname(name))

export const countObjects = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + part.dataset.annotations.length, 0)
export const countPictures = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + part.dataset.images.length, 0)

/** `n things` as the start of a sentence about a loss; nothing for none. */
export const loss = (count: number, sentence: string): string[] =>
  count === 0 ? [] : [`${count} ${sentence}`]
