/** Answers of a service in the shapes of the library: boxes as `{ x1, y1, x2, y2 }`, masks as bitmaps. */
import type { DetectResult } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { fromNative } from '../formats/from-native.ts'
import type { NativeImage, NativeModel } from '../formats/native.ts'
import type { FoundView, PictureView } from '../jobs/view.ts'

/** What `Detector.detect` gives, and what a service adds. */
export interface ServiceResult extends DetectResult {
  /** As the service names the picture. */
  source: string
  model: NativeModel
  /** One sentence that describes the picture, where it was asked for. */
  altText?: string
}

/** One picture of a job. */
export interface ServiceJobPicture extends Omit<PictureView, 'result'> {
  result?: DetectResult & { altText?: string }
}

/** One that a search found. */
export interface ServiceFoundPicture extends ServiceJobPicture, Pick<FoundView, 'job'> {}

/** @throws BoxletError with the code of a picture that could not be worked on */
export function resultOf(image: NativeImage, model: NativeModel): ServiceResult {
  if ('error' in image) {
    const { code, message, hint } = image.error
    throw new BoxletError(code, message, hint === undefined ? {} : { hint })
  }
  return { ...withAltText(image), source: image.source, model }
}

export function jobPictureOf<T extends PictureView>(
  picture: T,
): Omit<T, 'result'> & Pick<ServiceJobPicture, 'result'> {
  const { result, ...others } = picture
  return { ...others, ...(result && { result: withAltText(result) }) }
}

function withAltText(image: Exclude<NativeImage, { error: object }>): DetectResult & { altText?: string } {
  return { ...fromNative(image), ...(image.altText !== undefined && { altText: image.altText }) }
}
