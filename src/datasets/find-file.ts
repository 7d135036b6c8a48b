import { dirname, extname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { MAX_ENTRIES } from './limits.ts'
import { isPictureName } from './picture-files.ts'
import { readdir } from './readable.ts'

interface Listing {
  /** Names as they are on the disk, by their plain form. */
  names: Map<string, string>
  /** Pictures by the plain form of their stem. */
  stems: Map<string, string>
}

const NOTHING: Listing = { names: new Map(), stems: new Map() }

/** One form for names that look the same: a Mac writes an é as two code points, and Windows does not mind case. */
const plain = (name: string): string => name.normalize('NFC').toLowerCase()

/**
 * Finds files by the names that annotations give them: exactly, else under another Unicode form or case. Folders are
 * listed once, so that a set of a million pictures takes no look at the disk for each.
 */
export class FileFinder {
  readonly #listings = new Map<string, Promise<Listing>>()
  readonly #exact = new Map<string, ReadonlySet<string>>()

  /**
   * @param name with forward slashes, inside the folder; names that climb out of it are not found
   * @returns the path as it is on the disk
   */
  async find(folder: string, name: string): Promise<string | undefined> {
    let path = folder
    for (const part of name.split('/')) {
      if (part === '' || part === '.') {
        continue
      }
      if (part === '..') {
        return undefined
      }
      const listing = await this.#list(path)
      const found = this.#exact.get(path)?.has(part) ? part : listing.names.get(plain(part))
      if (found === undefined) {
        return undefined
      }
      path = join(path, found)
    }
    return path === folder ? undefined : path
  }

  /** The picture of that name without its ending, e.g. `000012` or `front/000012`. */
  async findPicture(folder: string, stem: string): Promise<string | undefined> {
    const inner = dirname(stem)
    const place = inner === '.' ? folder : await this.find(folder, inner)
    if (place === undefined) {
      return undefined
    }
    const { stems } = await this.#list(place)
    const last = inner === '.' ? stem : stem.slice(inner.length + 1)
    const found = stems.get(last) ?? stems.get(plain(last))
    return found === undefined ? undefined : join(place, found)
  }

  #list(folder: string): Promise<Listing> {
    let listing = this.#listings.get(folder)
    if (listing === undefined) {
      listing = this.#read(folder)
      this.#listings.set(folder, listing)
    }
    return listing
  }

  async #read(folder: string): Promise<Listing> {
    const names = await readdir(folder).catch(() => [])
    if (names.length === 0) {
      return NOTHING
    }
    if (names.length > MAX_ENTRIES) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected at most ${MAX_ENTRIES} files in "${folder}" but received ${names.length}.`,
      )
    }
    this.#exact.set(folder, new Set(names))
    const listing: Listing = { names: new Map(), stems: new Map() }
    for (const name of names.sort()) {
      listing.names.set(plain(name), name)
      if (isPictureName(name)) {
        const stem = name.slice(0, name.length - extname(name).length)
        listing.stems.set(plain(stem), name)
        listing.stems.set(stem, name)
      }
    }
    return listing
  }
}

/**
 * Ends of a path of another machine, longest first: of `..\media\upload\4\a.png` the last is `a.png`. The way down
 * matters, where it starts does not.
 */
export function pathEnds(written: string): string[] {
  const parts = written
    .replaceAll('\\', '/')
    .replace(/^[a-z]+:\/\/|^[A-Za-z]:/, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  const start = parts.lastIndexOf('..') + 1
  return parts.slice(start).map((_, i) => parts.slice(start + i).join('/'))
}
