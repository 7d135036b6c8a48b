import { constants } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { BoxletError } from '../errors.ts'

/** The folders that tools may read, and nothing beside them: links are followed before a path is judged. */
export class Folders {
  readonly #roots: readonly string[]

  private constructor(roots: readonly string[]) {
    this.#roots = roots
  }

  /** @throws BoxletError USAGE for what is no folder */
  static async open(paths: readonly string[]): Promise<Folders> {
    const roots = await Promise.all(
      paths.map(async (path) => {
        const found = await stat(path).catch(() => undefined)
        if (!found?.isDirectory()) {
          throw new BoxletError('USAGE', `Expected a folder but received "${path}".`)
        }
        return realpath(path)
      }),
    )
    return new Folders(roots)
  }

  /**
   * The real path of a file or folder inside.
   *
   * @throws BoxletError FORBIDDEN, the same for what is outside and for what is not there
   */
  async inside(path: string): Promise<string> {
    const places = isAbsolute(path) ? [path] : this.#roots.map((root) => join(root, path))
    for (const place of places) {
      const real = await realpath(place).catch(() => undefined)
      if (real !== undefined && this.#roots.some((root) => isBelow(root, real))) {
        return real
      }
    }
    throw new BoxletError('FORBIDDEN', 'Expected a path in a folder that may be read but received another.', {
      hint:
        this.#roots.length === 0
          ? 'No folder may be read: name some when Boxlet is started.'
          : `Readable: ${this.#roots.join(', ')}.`,
    })
  }

  /** @throws BoxletError FORBIDDEN, IMAGE_TOO_LARGE, IMAGE_UNREADABLE */
  async read(path: string, maxBytes: number): Promise<Uint8Array> {
    const real = await this.inside(path)
    // A link in the place of the file that was judged is not followed, and a pipe is not waited for.
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
      (cause) => {
        throw new BoxletError('IMAGE_UNREADABLE', 'Expected to read the file but it refuses.', { cause })
      },
    )
    try {
      const found = await file.stat()
      if (!found.isFile()) {
        throw new BoxletError('IMAGE_UNREADABLE', 'Expected a file for the picture but it is none.')
      }
      if (found.size > maxBytes) {
        throw new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${maxBytes} bytes but received more.`)
      }
      return new Uint8Array(await file.readFile())
    } finally {
      await file.close()
    }
  }
}

const isBelow = (root: string, path: string): boolean => {
  const way = relative(root, path)
  return way === '' || !(way === '..' || way.startsWith('../') || way.startsWith('..\\') || isAbsolute(way))
}
