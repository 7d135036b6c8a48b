import { isAbsolute, join, relative } from 'node:path'
import { BoxletError } from '../errors.ts'
import { MAX_ENTRIES } from './limits.ts'
import { readdir, stat } from './readable.ts'

/** Endings that annotation tools give to pictures; the bytes decide what they are. */
const PICTURE_ENDINGS = /\.(jpe?g|jpe|jfif|png|webp|bmp|tiff?|gif|avif|hei[cf])$/i

export const isPictureName = (name: string): boolean => PICTURE_ENDINGS.test(name)

/** True when `path` lies in `folder`; both absolute. Keeps annotation files from naming files elsewhere. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..'
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

/** Pictures of a folder and the folders in it, sorted by path. */
export const listPictures = async (folder: string): Promise<string[]> =>
  (await listFiles(folder, isPictureName)).sort()

/**
 * Files of a folder and the folders in it. Links to folders are not followed, so that a loop has an end, and a folder
 * with more files than any data set has is refused: a `data.yaml` may name any place.
 */
export async function listFiles(folder: string, belongs: (name: string) => boolean): Promise<string[]> {
  const files: string[] = []
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
      } else if (belongs(entry.name) && (entry.isFile() || entry.isSymbolicLink())) {
        files.push(path)
      }
    }
  }
  return files
}
