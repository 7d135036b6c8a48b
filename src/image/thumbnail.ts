import { type DecodeOptions, decodeImage } from './decode/decode.ts'
import { resample } from './resize/resample.ts'
import type { RgbImage } from './rgb-image.ts'

/** Colours and quality of a picture do not change visibly below this, and the work stays under 10 ms. */
const LONGEST_EDGE = 256

/**
 * A small upright copy of the picture, each pixel the mean of those that it stands for.
 *
 * @throws BoxletError what `decodeImage` throws
 */
export async function thumbnail(
  bytes: Uint8Array,
  signal: AbortSignal,
  longestEdge = LONGEST_EDGE,
  limits: Pick<DecodeOptions, 'maxPixels'> = {},
): Promise<RgbImage> {
  const small = ({ width, height }: { width: number; height: number }) => {
    const scale = Math.min(1, longestEdge / Math.max(width, height))
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
  }
  const { pixels, size } = await decodeImage(bytes, { ...limits, shrinkTo: small, signal })
  const to = small(size)
  const data = new Uint8Array(to.width * to.height * 3)
  resample(pixels, to, 'area', (row, y) => data.set(row, y * to.width * 3))
  return { ...to, data }
}
