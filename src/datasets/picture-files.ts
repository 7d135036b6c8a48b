import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import { MAX_ENTRIES } from './limits.ts'

/** Endings that annotation tools give to pictures; the bytes decide what they are. */
const PICTURE_ENDINGS = ['.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff', '.gif', '.avif'] as const

export const isPictureName = (name: string): boolean =>
  (PICTURE_ENDINGS as readonly string[]).includes(extname(name).toLowerCase())

/** True when `path` lies in `folder`; both absolute. Keeps annotation files from naming files elsewhere. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..'
}

/**
 * Where the pictures of a COCO file lie: the first usual place that holds `name`. Without a match, the folder
 * of the file itself, so that a message about a missing picture names a place that the reader knows.
 */
export async function findImageRoot(annotations: string, name: string | undefined): Promise<string> {
  const folder = dirname(resolve(annotations))
  const split = /(train|val|test)(\d{4})?/i.exec(annotations.slice(folder.length))?.[0]
  const places = [
    folder,
    join(folder, 'images'),
    join(folder, '..', 'images'),
    ...(split === undefined ? [] : ['.', '..', '../images', 'images'].map((way) => join(folder, way, split))),
    join(folder, '..'),
  ]
  return (name === undefined ? undefined : places.find((place) => existsSync(join(place, name)))) ?? folder
}

/** The file of a picture by its stem, e.g. `JPEGImages/000012` + one of the usual endings. */
export async function pictureOfStem(folder: string, stem: string): Promise<string | undefined> {
  for (const ending of PICTURE_ENDINGS) {
    for (const cased of [ending, ending.toUpperCase()]) {
      const path = join(folder, stem + cased)
      if (await isFile(path)) {
        return path
      }
    }
  }
  return undefined
}

export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isFile(),
    () => false,
  )
export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  )

/**
 * Pictures of a folder and the folders in it, sorted by path. Links to folders are not followed, so that a loop
 * has an end, and a folder with more files than any data set has is refused: a `data.yaml` may name any place.
 */
export async function listPictures(folder: string): Promise<string[]> {
  const pictures: string[] = []
  const folders = [folder]
  let entries = 0
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      if (++entries > MAX_ENTRIES) {
        throw new BoxletError(
          'DATASET_INVALID',
          `Expected at most ${MAX_ENTRIES} files in "${folder}" but received more.`,
        )
      }
      const path = join(next, entry.name)
      if (entry.isDirectory()) {
        folders.push(path)
      } else if (isPictureName(entry.name) && (entry.isFile() || entry.isSymbolicLink())) {
        pictures.push(path)
      }
    }
  }
  return pictures.sort()
}
