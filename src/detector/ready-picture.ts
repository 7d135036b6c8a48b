import { checkImage } from './arguments.ts'
import type { DetectOptions, DetectResult, ImageInput, PictureInput } from './types.ts'

/** Whether it is bytes or pixels already. */
const isReady = (picture: PictureInput): picture is ImageInput =>
  picture instanceof Uint8Array || (typeof picture === 'object' && picture !== null && 'data' in picture)

/**
 * Bytes or pixels of a picture. What reads the other forms is loaded where it is needed: packaged functions hand over
 * bytes alone.
 *
 * @throws BoxletError as `readPicture`
 */
export async function readyPicture(picture: PictureInput, options: DetectOptions): Promise<ImageInput> {
  if (isReady(picture)) {
    checkImage(picture)
    return picture
  }
  const { readPicture } = await import('./picture-input.ts')
  return readPicture(picture, options)
}

/** The results of a list of which none may fail. @throws the first fault */
export function allOf(outcomes: readonly PromiseSettledResult<DetectResult>[]): DetectResult[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') {
      throw outcome.reason
    }
    return outcome.value
  })
}
