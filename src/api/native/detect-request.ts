import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { Call, Ctx } from '../call.ts'
import { parseJsonObject, readJson } from '../json-body.ts'
import type { Service } from '../service.ts'
import { parseOptions, type RequestOptions } from './detect-options.ts'
import { type Picture, pictures } from './picture-schema.ts'
import {
  blobRefOf,
  fromBase64,
  fromBlob,
  fromBytes,
  fromUrl,
  type PictureSource,
  parseBlobRef,
} from './picture-sources.ts'

/** Options as they were given, a name perhaps more than once. */
type Given = (readonly [string, unknown])[]

export interface DetectRequest extends RequestOptions {
  pictures: PictureSource[]
  /** What the caller of this function asked for beside the options of detection. */
  own: Readonly<Record<string, unknown>>
}

/**
 * Reads a detect request in any of its forms: a picture as the body, a multipart form, or JSON.
 *
 * @param own names that mean something to the caller of this function; it reads their values
 * @throws BoxletError REQUEST_INVALID
 */
export async function parseDetectRequest(
  c: Ctx,
  service: Service,
  own: readonly string[] = [],
): Promise<DetectRequest> {
  const { given, pictures } = await partsOf(c, service)
  const values: Record<string, unknown> = {}
  for (const [name, value] of given.filter(([key]) => own.includes(key))) {
    if (Object.hasOwn(values, name)) {
      throw new BoxletError('REQUEST_INVALID', `Expected ${name} once but received it twice.`)
    }
    values[name] = value
  }
  return {
    ...parseOptions(given.filter(([key]) => !own.includes(key))),
    pictures: checked(pictures, service, values),
    own: values,
  }
}

interface Parts {
  given: Given
  pictures: PictureSource[]
}

async function partsOf(c: Ctx, service: Service): Promise<Parts> {
  const body = c.get('body')
  const type = (c.req.header('content-type') ?? '').toLowerCase()
  const query = queryOf(c)
  const { document } = c.env
  if (document !== undefined) {
    return fromJson(document, query, service, c.get('call'))
  }
  if (body.byteLength === 0) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a picture in the request but its body is empty.', {
      hint: 'With curl: --data-binary @picture.jpg',
    })
  }
  return type.startsWith('multipart/form-data')
    ? fromForm(body, c.req.header('content-type') as string, query, service, c.get('call'))
    : isJson(type, body)
      ? fromJson(parseJsonObject(body), query, service, c.get('call'))
      : { given: query, pictures: [fromBytes('body', body, service)] }
}

/** A list of pictures that lies elsewhere stands for pictures of the request. */
function checked(
  pictures: PictureSource[],
  service: Service,
  { manifest, prefix }: Readonly<Record<string, unknown>>,
): PictureSource[] {
  if (pictures.length === 0 && manifest === undefined && prefix === undefined) {
    throw new BoxletError('REQUEST_INVALID', 'Expected at least one picture but received none.', {
      hint: 'Send image, url, s3 or images.',
    })
  }
  if (pictures.length > service.limits.pictures) {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected at most ${service.limits.pictures} pictures in one request but received ${pictures.length}.`,
    )
  }
  return pictures
}

/** curl sends pictures as a form unless told otherwise, so an opening brace decides where no type is given. */
function isJson(type: string, body: Uint8Array): boolean {
  if (/^application\/(.+\+)?json/.test(type)) {
    return true
  }
  const untyped =
    type === '' || type.startsWith('application/x-www-form-urlencoded') || type.startsWith('text/')
  return untyped && body[body.findIndex((byte) => !JSON_SPACE.includes(byte))] === 0x7b
}
const JSON_SPACE = [0x20, 0x09, 0x0a, 0x0d]

const queryOf = (c: Ctx): Given => [...new URL(c.req.url).searchParams]

async function fromForm(
  body: Uint8Array,
  contentType: string,
  query: Given,
  service: Service,
  call: Call,
): Promise<Parts> {
  const given: Given = [...query]
  const pictures: PictureSource[] = []
  const { readForm } = await import('./form.ts')
  // One more than are allowed, so that their number is what is refused.
  for (const part of await readForm(body, contentType, service.limits.pictures + 1)) {
    const { name } = part
    if (!('text' in part)) {
      pictures.push(fromBytes(sourceName(part.fileName ?? '', pictures.length), part.bytes, service))
    } else if (name === 'url') {
      pictures.push(fromUrl(part.text, part.text, service, call))
    } else if (name === 's3') {
      pictures.push(fromBlob(part.text, parseBlobRef(part.text), service, call))
    } else if (name === 'image' || name === 'images') {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected a file for ${name} but received a part without a filename.`,
        { hint: 'A file in a form needs a filename. With curl: -F image=@picture.jpg' },
      )
    } else {
      given.push([name, part.text])
    }
  }
  return { given, pictures }
}

function fromJson(
  document: Readonly<Record<string, unknown>>,
  query: Given,
  service: Service,
  call: Call,
): Parts {
  const { image, url, s3, images, ...given } = document
  const { images: several, ...single } = readJson(pictures, defined({ image, url, s3, images }))
  const kinds = Object.keys(single).length
  if (kinds > 0 && several !== undefined) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected either one picture or the list images but received both.',
    )
  }
  if (kinds > 1) {
    throw new BoxletError('REQUEST_INVALID', 'Expected one of image (base64), url and s3 but received more.')
  }
  const entries = several ?? (kinds === 1 ? [single as Picture] : [])
  // One more than are allowed, so that their number is what is refused.
  const sources = entries
    .slice(0, service.limits.pictures + 1)
    .map((entry, index) => sourceOf(entry, index, service, call))
  return { given: [...query, ...Object.entries(given)], pictures: sources }
}

function sourceOf(entry: Picture, index: number, service: Service, call: Call): PictureSource {
  if (typeof entry === 'string') {
    return fromBase64(`images[${index}]`, entry, service)
  }
  if ('image' in entry) {
    return fromBase64(entry.name ?? `images[${index}]`, entry.image, service)
  }
  if ('url' in entry) {
    return fromUrl(entry.name ?? entry.url, entry.url, service, call)
  }
  const ref = blobRefOf(entry.s3)
  return fromBlob(entry.name ?? `s3://${ref.bucket}/${ref.key}`, ref, service, call)
}

const sourceName = (name: string, index: number): string => name.slice(0, 200) || `images[${index}]`
