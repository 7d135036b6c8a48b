import type { Size } from '../../../boxes/box.ts'
import type { ImageLimits } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import { decodeBase64 } from '../../base64.ts'
import type { Call } from '../../call.ts'
import { fromBlob } from '../../native/picture-sources.ts'
import type { Service } from '../../service.ts'
import { invalidParameter, type RekognitionImage } from './request.ts'

const MIB = 1024 * 1024

/** Limits of one operation. Source: Rekognition developer guide, "Guidelines and quotas". */
export interface OperationLimits {
  /** Bytes sent in the request. */
  bytes: number
  /** Bytes of an S3 object. */
  objectBytes: number
  /** Pixels an edge. */
  leastEdge: number
  mostEdge: number
}

export const DETECT_LABELS: OperationLimits = {
  bytes: 5 * MIB,
  objectBytes: 15 * MIB,
  leastEdge: 80,
  mostEdge: 10_000,
}

export const DETECT_CUSTOM_LABELS: OperationLimits = {
  bytes: 4 * MIB,
  objectBytes: 15 * MIB,
  leastEdge: 64,
  mostEdge: 4_096,
}

const NONE: OperationLimits = {
  bytes: Number.POSITIVE_INFINITY,
  objectBytes: Number.POSITIVE_INFINITY,
  leastEdge: 1,
  mostEdge: Number.POSITIVE_INFINITY,
}

/** The service's limits, unless they are switched off. */
export const limitsOf = (service: Service, limits: OperationLimits): OperationLimits =>
  service.options.rekognitionLimits === 'boxlet' ? NONE : limits

/** Refuses before decoding what no allowed picture can have. */
export const imageLimits = ({ mostEdge }: OperationLimits): { image?: ImageLimits } =>
  Number.isFinite(mostEdge) ? { image: { maxPixels: mostEdge * mostEdge } } : {}

/** The bytes of `Image.Bytes` or `Image.S3Object`. */
export async function pictureBytes(
  image: RekognitionImage,
  limits: OperationLimits,
  service: Service,
  call: Call,
): Promise<Uint8Array> {
  const { Bytes, S3Object } = image
  if ((Bytes == null) === (S3Object == null)) {
    throw invalidParameter('Request has Invalid Parameters')
  }
  const own = service.limits.pictureBytes
  if (Bytes != null) {
    return fromText(Bytes, Math.min(limits.bytes, own))
  }
  const { Bucket: bucket, Name: key, Version } = S3Object as NonNullable<typeof S3Object>
  const ref = { bucket, key, ...(Version == null ? {} : { version: Version }) }
  return fromBlob(key, ref, service, call, Math.min(limits.objectBytes, own)).bytes()
}

function fromText(text: string, maxBytes: number): Uint8Array {
  if (text === '') {
    throw invalidParameter('Request has Invalid Parameters')
  }
  try {
    return decodeBase64(text, maxBytes)
  } catch (error) {
    if (error instanceof BoxletError && error.code === 'IMAGE_TOO_LARGE') {
      throw error
    }
    throw new BoxletError('IMAGE_FORMAT', 'Request has invalid image format', { cause: error })
  }
}

/** The service answers a picture that is too small as a wrong parameter, one that is too large by name. */
export function checkSize({ width, height }: Size, { leastEdge, mostEdge }: OperationLimits): void {
  if (Math.min(width, height) < leastEdge) {
    throw invalidParameter('Request has Invalid Parameters')
  }
  if (Math.max(width, height) > mostEdge) {
    throw new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${mostEdge} pixels an edge but received more.`)
  }
}
