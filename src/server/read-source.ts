import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { BoxletError } from '../errors.ts'
import { fetchImage } from '../image/fetch/fetch-url.ts'
import type { BlobStore } from '../jobs/blob-store.ts'
import type { OwnBlobs } from '../jobs/home.ts'
import type { PictureSource } from '../jobs/job.ts'
import type { UrlMode } from './service-options.ts'

export interface SourceOptions {
  blobs: OwnBlobs
  /** Objects that callers name. */
  blobStore: BlobStore | undefined
  urls: UrlMode
  maxBytes: number
  fetchMs: number
}

/**
 * Reads the bytes of a picture of a job when its turn has come.
 *
 * @throws BoxletError IMAGE_NOT_FOUND where it is gone meanwhile, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, URL_REFUSED,
 *   URL_FAILED, FORBIDDEN
 */
export async function readSource(
  source: PictureSource,
  options: SourceOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { blobs, blobStore, urls, maxBytes, fetchMs } = options
  if (source.kind === 'url') {
    if (urls === 'off') {
      throw new BoxletError(
        'URL_REFUSED',
        'Expected a picture but it is an address, and none is fetched here.',
      )
    }
    const isOpen = urls === 'any'
    const rules = { allowHttp: isOpen, allowPrivate: isOpen }
    return fetchImage(source.url, { ...rules, maxBytes, timeoutMs: fetchMs, signal })
  }
  if (source.kind === 'file') {
    return readPicture(source.path, source.noLinks ?? false, maxBytes)
  }
  if (source.kind === 'blob') {
    const store = source.owned ? blobs : blobStore
    if (store === undefined) {
      throw new BoxletError(
        'IMAGE_NOT_FOUND',
        'Expected an object store for the picture but none is configured.',
      )
    }
    return store.get(source.ref, { maxBytes, signal })
  }
  throw new BoxletError(source.error.code, source.error.message)
}

async function readPicture(path: string, noLinks: boolean, maxBytes: number): Promise<Uint8Array> {
  let file: FileHandle
  try {
    // A pipe would wait for its writer, and a worker with it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (noLinks ? constants.O_NOFOLLOW : 0))
  } catch (cause) {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new BoxletError('IMAGE_NOT_FOUND', 'Expected the picture but its file is gone.', { cause })
    }
    if (code === 'ELOOP') {
      throw new BoxletError('IMAGE_NOT_FOUND', 'Expected a file for the picture but it is a link.', { cause })
    }
    throw new BoxletError(
      'IMAGE_UNREADABLE',
      `Expected to read the picture but its file refuses it (${code}).`,
      {
        cause,
      },
    )
  }
  try {
    const { size, isFile } = await file.stat().then((stats) => ({ size: stats.size, isFile: stats.isFile() }))
    if (!isFile) {
      throw new BoxletError('IMAGE_NOT_FOUND', 'Expected a file for the picture but it is none.')
    }
    if (size > maxBytes) {
      throw new BoxletError(
        'IMAGE_TOO_LARGE',
        `Expected at most ${maxBytes} bytes for a picture but received ${size}.`,
      )
    }
    return new Uint8Array(await file.readFile())
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError('IMAGE_UNREADABLE', 'Expected to read the picture but the disk refused it.', {
      cause,
    })
  } finally {
    await file.close()
  }
}
