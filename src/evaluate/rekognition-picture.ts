import type { Size } from '../boxes/box.ts'
import type { ImageInput } from '../detector/types.ts'
import { decodeImage } from '../image/decode/decode.ts'
import { jpegHeader } from '../image/decode/jpeg-header.ts'
import { loadSharp } from '../image/decode/load-sharp.ts'

/** Custom Labels takes 4 MB in the request, DetectLabels 5 MB. */
const MAX_BYTES = 4 * 10 ** 6
/** The longest edge of a picture that has to be made smaller; larger ones than this gain nothing. */
const MAX_EDGE = 4096
/** Rekognition refuses shorter edges. */
const MIN_EDGE = 80

export interface SentPicture {
  bytes: Uint8Array
  /** Upright size of the original; answers are fractions, so the size sent does not matter. */
  original: Size
}

/**
 * A JPEG that Rekognition takes. JPEG files within its limits are sent as they are; anything else is written
 * again, upright, without loss that a detector would notice.
 */
export async function pictureForRekognition(image: ImageInput): Promise<SentPicture> {
  if (image instanceof Uint8Array && image.byteLength <= MAX_BYTES && image[0] === 0xff) {
    const header = jpegHeader(image)
    const size = header?.upright
    if (size !== undefined && header?.components === 3 && fits(size)) {
      return { bytes: image, original: size }
    }
  }
  const { pixels, size } =
    image instanceof Uint8Array
      ? await decodeImage(image)
      : { pixels: image, size: { width: image.width, height: image.height } }
  const sharp = await loadSharp()
  const raw = { width: pixels.width, height: pixels.height, channels: 3 as const }
  const short = Math.min(pixels.width, pixels.height)
  const grow = short < MIN_EDGE ? MIN_EDGE / short : 1
  const scale = Math.min(grow, MAX_EDGE / Math.max(pixels.width, pixels.height, MAX_EDGE))
  const resized = sharp(pixels.data, { raw }).resize({
    width: Math.max(MIN_EDGE, Math.round(pixels.width * scale)),
    height: Math.max(MIN_EDGE, Math.round(pixels.height * scale)),
    fit: 'fill',
  })
  let bytes: Uint8Array = new Uint8Array()
  for (const quality of [92, 80, 60]) {
    bytes = await resized.clone().jpeg({ quality }).toBuffer()
    if (bytes.byteLength <= MAX_BYTES) {
      break
    }
  }
  return { bytes, original: size }
}

const fits = ({ width, height }: Size): boolean =>
  Math.min(width, height) >= MIN_EDGE && Math.max(width, height) <= 10_000
