import { fileURLToPath } from 'node:url'
import { BoxletError } from '../errors.ts'
import { DEFAULT_MAX_BYTES, tooManyBytes } from '../image/decode/accepted-format.ts'
import { fetchImage } from '../image/fetch/fetch-url.ts'
import { readPictureFile, readPictureStream } from '../image/fetch/picture-file.ts'
import { defined } from '../system/defined.ts'
import { checkImage } from './arguments.ts'
import type { DetectOptions, ImageInput, PictureInput } from './types.ts'

/**
 * Reads a picture, whatever holds it, into bytes or pixels.
 *
 * @throws BoxletError USAGE for what is no picture, IMAGE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE, URL_REFUSED,
 *   URL_FAILED, ABORTED
 */
export async function readPicture(picture: PictureInput, options: DetectOptions): Promise<ImageInput> {
  const { image = {}, signal } = options
  const maxBytes = image.maxBytes ?? DEFAULT_MAX_BYTES
  if (typeof picture === 'string' || picture instanceof URL) {
    return readNamed(picture, { maxBytes, signal, mayFetch: image.fetch ?? false })
  }
  if (picture instanceof ArrayBuffer) {
    return new Uint8Array(picture)
  }
  if (picture instanceof Blob) {
    if (picture.size > maxBytes) {
      throw tooManyBytes(maxBytes, picture.size)
    }
    return new Uint8Array(await picture.arrayBuffer())
  }
  if (picture instanceof Response) {
    return readPictureStream(bodyOf(picture), { maxBytes, signal })
  }
  if (isStream(picture)) {
    return readPictureStream(picture, { maxBytes, signal })
  }
  checkImage(picture)
  return picture
}

const isStream = (picture: object | null): picture is AsyncIterable<Uint8Array> =>
  typeof picture === 'object' && picture !== null && Symbol.asyncIterator in picture

async function readNamed(
  name: string | URL,
  options: { maxBytes: number; signal: AbortSignal | undefined; mayFetch: boolean },
): Promise<Uint8Array> {
  const { maxBytes, signal, mayFetch } = options
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(String(name))?.[1]?.toLowerCase()
  if (scheme === undefined || scheme === 'file') {
    return readPictureFile(scheme === undefined ? String(name) : pathOf(name), { maxBytes, signal })
  }
  if (!mayFetch) {
    throw new BoxletError('URL_REFUSED', `Expected a path or file: URL but received one of ${scheme}.`, {
      hint: 'Allow https addresses with { image: { fetch: true } }, or fetch it and give the Response.',
    })
  }
  return fetchImage(name, { maxBytes, ...defined({ signal }) })
}

function pathOf(name: string | URL): string {
  try {
    return fileURLToPath(name)
  } catch (cause) {
    throw new BoxletError('IMAGE_NOT_FOUND', 'Expected a file: URL of this machine but received another.', {
      cause,
    })
  }
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (!response.ok) {
    throw new BoxletError('URL_FAILED', `Expected a picture but the answer has status ${response.status}.`)
  }
  if (response.body === null || response.bodyUsed) {
    const state = response.bodyUsed ? 'whose body was read already' : 'without a body'
    throw new BoxletError('USAGE', `Expected a Response with a picture but received one ${state}.`)
  }
  return response.body
}
