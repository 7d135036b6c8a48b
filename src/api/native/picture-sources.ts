import type * as v from 'valibot'
import { BoxletError } from '../../errors.ts'
import type { BlobRef } from '../../jobs/blob-store.ts'
import { decodeBase64 } from '../base64.ts'
import type { Call } from '../call.ts'
import type { Service } from '../service.ts'
import { readValue } from '../values.ts'
import { blob } from './picture-schema.ts'

/** One picture of a request: what to call it in the answer, and how to get its bytes. */
export interface PictureSource {
  source: string
  /** Where it lies, for those that did not come with the request. */
  remote?: { kind: 'url'; url: string } | { kind: 'blob'; ref: BlobRef }
  /** @throws BoxletError for this picture alone; the others of the request still run */
  bytes(): Promise<Uint8Array>
}

export const fromBytes = (source: string, bytes: Uint8Array, service: Service): PictureSource => ({
  source,
  bytes: async () => {
    if (bytes.byteLength > service.limits.pictureBytes) {
      throw tooLarge(service.limits.pictureBytes)
    }
    return bytes
  },
})

export const fromBase64 = (source: string, text: string, service: Service): PictureSource => ({
  source,
  bytes: async () => decodeBase64(text, service.limits.pictureBytes),
})

export const fromUrl = (source: string, url: string, service: Service, call: Call): PictureSource => ({
  source,
  remote: { kind: 'url', url },
  bytes: () => {
    const { fetchPicture } = service.options
    if (fetchPicture === undefined) {
      throw new BoxletError(
        'URL_REFUSED',
        'Expected the bytes of the picture, since addresses are not fetched here.',
      )
    }
    const { pictureBytes: maxBytes, fetchMs: timeoutMs } = service.limits
    return fetchPicture(url, { maxBytes, timeoutMs, signal: call.signal })
  },
})

export const fromBlob = (
  source: string,
  ref: BlobRef,
  service: Service,
  call: Call,
  maxBytes?: number,
): PictureSource => ({
  source,
  remote: { kind: 'blob', ref },
  bytes: () => {
    const { blobStore } = service.options
    if (blobStore === undefined) {
      throw new BoxletError(
        'REQUEST_INVALID',
        'Expected the bytes of the picture, since no object store is configured.',
        {
          hint: 'Start the service with --blobs and a folder.',
        },
      )
    }
    return blobStore.get(ref, { maxBytes: maxBytes ?? service.limits.pictureBytes, signal: call.signal })
  },
})

/**
 * Reads `s3://bucket/key`, or `{ bucket, key, version }`.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export const parseBlobRef = (value: unknown): BlobRef => blobRefOf(readValue(blob, value, 's3'))

export function blobRefOf(given: v.InferOutput<typeof blob>): BlobRef {
  if (typeof given !== 'string') {
    return given
  }
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(given) as unknown as [string, string, string]
  return { bucket, key }
}

const tooLarge = (maxBytes: number) =>
  new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${maxBytes} bytes for the picture but received more.`)
