import { BoxletError } from '../../errors.ts'
import type { PictureSource } from '../../jobs/job.ts'
import type { JobOffer } from './offer.ts'

export interface SmallOptions {
  /** Pixels along the longest edge. */
  edge: number
  maxPixels: number
  signal: AbortSignal
}

/**
 * A small copy of the picture of a job, as JPEG, read anew from where it came: keeping one of each would double a store.
 *
 * @throws BoxletError NOT_FOUND where this process cannot read it; what reading and decoding throw
 */
export async function smallPicture(
  offer: JobOffer,
  source: PictureSource,
  { edge, maxPixels, signal }: SmallOptions,
): Promise<Uint8Array> {
  if (offer.picture === undefined || source.kind === 'none') {
    throw new BoxletError('NOT_FOUND', 'Expected a picture that can be read here but received another.', {
      hint: 'Its result is there all the same.',
    })
  }
  const bytes = await offer.picture(source, signal)
  // Drawing and decoding come when a picture is asked for: no other route of jobs needs them.
  const [{ thumbnail }, { drawDetections }] = await Promise.all([
    import('../../image/thumbnail.ts'),
    import('../../image/draw/draw.ts'),
  ])
  return drawDetections(await thumbnail(bytes, signal, edge, { maxPixels }), [], { quality: 80 })
}
