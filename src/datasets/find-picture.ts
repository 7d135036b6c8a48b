import { dirname, join, relative, resolve, sep } from 'node:path'
import { counted } from '../system/words.ts'
import { FileFinder, pathEnds } from './find-file.ts'
import { isInside } from './picture-files.ts'

export interface FoundPicture {
  /** As the data set names it, with forward slashes. */
  fileName: string
  path: string
  exists: boolean
}

/** Finds the pictures that a COCO file names: where it says, or where people put them. */
export class PictureFinder {
  readonly #finder: FileFinder
  /** The folder that names are relative to, then others in which they may lie. */
  readonly #places: readonly string[]
  #elsewhere = 0

  private constructor(finder: FileFinder, places: readonly string[]) {
    this.#finder = finder
    this.#places = places
  }

  /**
   * @param images folder that the caller names; else the usual places beside the file
   * @param first name of a picture, by which the right place is known
   */
  static async open(
    annotations: string,
    images: string | undefined,
    first: string | undefined,
  ): Promise<PictureFinder> {
    const finder = new FileFinder()
    if (images !== undefined) {
      return new PictureFinder(finder, [resolve(images)])
    }
    const places = usualPlaces(annotations)
    const name = first?.replaceAll('\\', '/') ?? ''
    for (const place of places) {
      if (name !== '' && (await finder.find(place, name)) !== undefined) {
        return new PictureFinder(finder, [place, ...places.filter((other) => other !== place)])
      }
    }
    // Without a match a message about a missing picture names a place that the reader knows.
    return new PictureFinder(finder, places)
  }

  /** Undefined for a name that leads out of the folder and whose file lies nowhere near. */
  async find(written: string): Promise<FoundPicture | undefined> {
    const [root = '', ...others] = this.#places
    const fileName = written.replaceAll('\\', '/')
    const path = resolve(root, fileName)
    const inside = isInside(root, path)
    const asWritten = inside
      ? await this.#finder.find(root, relative(root, path).split(sep).join('/'))
      : undefined
    if (asWritten !== undefined) {
      return { fileName, path: asWritten, exists: true }
    }
    for (const end of endsOf(written)) {
      for (const place of [root, ...others]) {
        const found = await this.#finder.find(place, end)
        if (found !== undefined) {
          this.#elsewhere++
          return { fileName: end, path: found, exists: true }
        }
      }
    }
    return inside ? { fileName, path, exists: false } : undefined
  }

  notes(): string[] {
    return this.#elsewhere === 0
      ? []
      : [`${counted(this.#elsewhere, 'picture')} found by name: not where the file says, but near it.`]
  }
}

/** Labelling services write addresses, where a blank is %20. */
function endsOf(written: string): string[] {
  const ends = pathEnds(written.replace(/[?#].*$/, ''))
  try {
    return [...new Set([...pathEnds(written), ...ends, ...ends.map(decodeURIComponent)])]
  } catch {
    return ends
  }
}

/** Where the pictures of a COCO file lie, the likeliest first. */
function usualPlaces(annotations: string): string[] {
  const folder = dirname(resolve(annotations))
  const split = /(train|val|test)(\d{4})?/i.exec(annotations.slice(folder.length))?.[0]
  return [
    folder,
    join(folder, 'images'),
    join(folder, '..', 'images'),
    ...(split === undefined
      ? []
      : ['.', '..', '../images', 'images'].map((between) => join(folder, between, split))),
    join(folder, '..'),
  ]
}
