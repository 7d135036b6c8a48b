import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { BoxletError, toBoxletError } from '../errors.ts'
import type { BlobGetOptions, BlobRef, BlobStore, ListedBlob } from '../jobs/blob-store.ts'

/** As S3 has it. Keeps `..` and drive letters out by itself. */
const BUCKET = /^[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/

/** A folder as an object store: each folder in it is a bucket, each file below that an object. */
export class FileBlobStore implements BlobStore {
  readonly #root: string
  readonly #durable: boolean

  /** @param options `durable`: what was put survives a loss of power, at the price of waiting for the disk */
  constructor(root: string, options: { durable?: boolean } = {}) {
    this.#root = resolve(root)
    this.#durable = options.durable ?? false
  }

  async get(ref: BlobRef, { maxBytes, range, signal }: BlobGetOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (ref.version !== undefined) {
      throw notFound()
    }
    const path = await this.#existing(ref)
    const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? notFound(cause) : unreadable(cause)
    })
    try {
      const stats = await file.stat()
      if (!stats.isFile()) {
        throw notFound()
      }
      if (range !== undefined) {
        return await readRange(file, range)
      }
      if (maxBytes !== undefined && stats.size > maxBytes) {
        throw new BoxletError(
          'IMAGE_TOO_LARGE',
          `Expected an object of at most ${maxBytes} bytes but it has more.`,
        )
      }
      signal?.throwIfAborted()
      return await readRange(file, { start: 0, length: stats.size })
    } catch (error) {
      throw error instanceof BoxletError ? error : unreadable(error)
    } finally {
      await file.close()
    }
  }

  async put(ref: BlobRef, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#path(ref)
    const temporary = `${path}.${crypto.randomUUID()}.part`
    try {
      await mkdir(dirname(path), { recursive: true })
      await this.#checkInside(dirname(path))
      await writeFile(temporary, bytes, { flush: this.#durable })
      await rename(temporary, path)
      if (this.#durable) {
        await syncFolder(dirname(path))
      }
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => {})
      if (cause instanceof BoxletError) {
        throw cause
      }
      throw new BoxletError('OUTPUT_UNWRITABLE', 'Expected to write an object but the disk refused it.', {
        cause,
      })
    }
  }

  async remove(ref: BlobRef): Promise<void> {
    const path = this.#path(ref)
    try {
      await this.#checkInside(dirname(path))
      await rm(path, { force: true })
    } catch (cause) {
      const { code } = toBoxletError(cause)
      if (code !== 'IMAGE_NOT_FOUND' && (cause as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new BoxletError('OUTPUT_UNWRITABLE', 'Expected to remove an object but the disk refused it.', {
          cause,
        })
      }
    }
  }

  /** Links are left out: an object has one key. */
  async *list(
    bucket: string,
    prefix: string,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<ListedBlob> {
    if (!BUCKET.test(bucket)) {
      throw notFound()
    }
    const root = join(this.#root, bucket)
    await this.#checkInside(root).catch(() => {
      throw notFound()
    })
    yield* this.#below(root, '', prefix, signal)
  }

  async *#below(
    root: string,
    folder: string,
    prefix: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ListedBlob> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
    // As keys sort: a folder sorts with the slash behind its name.
    const named = entries.map((entry) => ({
      entry,
      key: folder + entry.name + (entry.isDirectory() ? '/' : ''),
    }))
    for (const { entry, key } of named.sort((a, b) => (a.key < b.key ? -1 : 1))) {
      signal?.throwIfAborted()
      if (entry.isDirectory() && (key.startsWith(prefix) || prefix.startsWith(key))) {
        yield* this.#below(root, key, prefix, signal)
      } else if (entry.isFile() && key.startsWith(prefix)) {
        const { size, mtimeMs } = await stat(join(root, key)).catch(() => ({ size: 0, mtimeMs: 0 }))
        yield { key, bytes: size, at: mtimeMs }
      }
    }
  }

  /** Links are followed before the path is judged, so that none leads out of the bucket. */
  async #existing(ref: BlobRef): Promise<string> {
    const path = this.#path(ref)
    return await this.#checkInside(path).catch((cause: NodeJS.ErrnoException) => {
      throw cause instanceof BoxletError
        ? cause
        : cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
          ? notFound(cause)
          : unreadable(cause)
    })
  }

  /** @returns the path without links */
  async #checkInside(path: string): Promise<string> {
    const [root, real] = await Promise.all([realpath(this.#root), realpath(path)])
    if (!real.startsWith(root + sep)) {
      throw notFound()
    }
    return real
  }

  #path({ bucket, key }: BlobRef): string {
    const parts = key.split('/')
    const safe = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0\\:]/.test(part))
    if (!BUCKET.test(bucket) || !safe || key.length > 1024) {
      throw notFound()
    }
    return join(this.#root, bucket, ...parts)
  }
}

async function readRange(
  file: FileHandle,
  { start, length }: { start: number; length: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled)
    if (bytesRead === 0) {
      break
    }
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** A new name is only on the disk when its folder is. Windows opens no folders and needs none of this. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') {
    return
  }
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** One answer for what is absent and for what may not be named, so that neither can be told apart. */
const notFound = (cause?: unknown) =>
  new BoxletError('IMAGE_NOT_FOUND', 'Expected an object of that bucket and key but there is none.', {
    cause,
  })

const unreadable = (cause: unknown) =>
  new BoxletError('IMAGE_UNREADABLE', 'Expected to read the object but the disk refused it.', { cause })
