import { decodeBase64 } from '../api/base64.ts'
import { parseOptions, REQUEST_OPTIONS, type RequestOptions } from '../api/native/detect-options.ts'
import { describeOption, optionSchema } from '../api/openapi/option-schema.ts'
import type { FetchPicture, Limits } from '../api/options.ts'
import { BoxletError } from '../errors.ts'
import type { Folders } from './folders.ts'

/** Where tools get pictures from. */
export interface PictureAccess {
  folders: Folders
  /** Enables addresses. */
  fetchPicture: FetchPicture | undefined
  /** Of one picture, however it comes. */
  limits: Pick<Limits, 'pictureBytes' | 'pixels' | 'fetchMs'>
}

const text = (description: string) => ({ type: 'string', description })

/** Arguments of every tool that looks at one picture: where it is, and the options of detection. */
export const PICTURE_SCHEMA = {
  type: 'object',
  properties: {
    path: text('Path of a picture in a folder that may be read.'),
    url: text('Public https address of a picture.'),
    image: text('The picture itself, in base64.'),
    model: text('One of list_models. Default: the first.'),
    ...Object.fromEntries(
      Object.entries(REQUEST_OPTIONS).map(([name, row]) => [
        name,
        { ...optionSchema(row), description: describeOption(row) },
      ]),
    ),
  },
  additionalProperties: false,
}

export interface PictureRequest extends RequestOptions {
  source: string
  bytes: Uint8Array
}

/** @throws BoxletError REQUEST_INVALID, and as reading the picture does */
export async function readPictureRequest(
  args: Readonly<Record<string, unknown>>,
  { folders, fetchPicture, limits }: PictureAccess,
  signal: AbortSignal,
): Promise<PictureRequest> {
  const { path, url, image, ...options } = args
  const parsed = parseOptions(Object.entries(options))
  const given = Object.entries({ path, url, image }).filter(([, value]) => value !== undefined)
  const [kind, value] = given[0] ?? []
  if (given.length !== 1 || typeof value !== 'string' || value === '') {
    throw new BoxletError('REQUEST_INVALID', 'Expected one of path, url and image for the picture.')
  }
  const { pictureBytes: maxBytes, fetchMs: timeoutMs } = limits
  if (kind === 'path') {
    return { ...parsed, source: value, bytes: await folders.read(value, maxBytes) }
  }
  if (kind === 'image') {
    return { ...parsed, source: 'image', bytes: decodeBase64(value, maxBytes) }
  }
  if (fetchPicture === undefined) {
    throw new BoxletError(
      'URL_REFUSED',
      'Expected a path or the picture itself: no addresses are fetched here.',
    )
  }
  return { ...parsed, source: value, bytes: await fetchPicture(value, { maxBytes, timeoutMs, signal }) }
}
