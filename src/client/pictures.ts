import { BoxletError } from '../errors.ts'
import type { RequestParts } from './ask.ts'

/**
 * A picture for a service: its bytes, or an `https:` or `s3:` address, as text or `URL`, that the service reads itself.
 * A path is none: the service cannot see it.
 */
export type ServicePicture = Uint8Array | ArrayBuffer | Blob | Response | string | URL

/**
 * The body of a request with pictures: the picture itself where there is one, JSON where all are addresses, a form
 * otherwise.
 *
 * @throws BoxletError USAGE, URL_FAILED for a `Response` that is none of a picture
 */
export async function withPictures(pictures: readonly ServicePicture[]): Promise<RequestParts> {
  const parts = await Promise.all(pictures.map(partOf))
  if (parts.every((part) => 'address' in part)) {
    const images = parts.map(({ kind, address }) => ({ [kind]: address }))
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ images }) }
  }
  const [first] = parts
  if (parts.length === 1 && first !== undefined && 'blob' in first) {
    return { headers: { 'content-type': 'application/octet-stream' }, body: first.blob }
  }
  const body = new FormData()
  for (const part of parts) {
    if ('blob' in part) {
      body.append('image', part.blob, part.name)
    } else {
      body.append(part.kind, part.address)
    }
  }
  return { body }
}

type Part = { kind: 'url' | 's3'; address: string } | { blob: Blob; name: string }

async function partOf(picture: ServicePicture, index: number): Promise<Part> {
  if (typeof picture === 'string' || picture instanceof URL) {
    return addressOf(String(picture))
  }
  const name = `images[${index}]`
  if (picture instanceof Response) {
    if (!picture.ok) {
      throw new BoxletError('URL_FAILED', `Expected a picture but the answer has status ${picture.status}.`)
    }
    return { blob: await picture.blob(), name }
  }
  if (picture instanceof Blob) {
    return {
      blob: picture,
      name: 'name' in picture && typeof picture.name === 'string' ? picture.name : name,
    }
  }
  if (picture instanceof ArrayBuffer || picture instanceof Uint8Array) {
    return { blob: new Blob([picture as Uint8Array<ArrayBuffer>]), name }
  }
  throw new BoxletError('USAGE', 'Expected a picture but received something else.', {
    hint: 'Give bytes, a Blob, a Response, or an https: or s3: address.',
  })
}

function addressOf(address: string): Part {
  if (/^s3:\/\//.test(address)) {
    return { kind: 's3', address }
  }
  if (/^https?:\/\//i.test(address)) {
    return { kind: 'url', address }
  }
  throw new BoxletError('USAGE', 'Expected bytes or an address of the picture but received a path.', {
    hint: 'Read the file first: await readFile(path).',
  })
}
