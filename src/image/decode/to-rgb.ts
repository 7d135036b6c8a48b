import type { Size } from '../../boxes/box.ts'
import type { ImageFormat } from '../../system/sniff.ts'
import type { RgbImage } from '../rgb-image.ts'
import { isCutShort, isHarmless } from './decode-error.ts'
import type { OpenPicture, PicturePipeline } from './picture-pipeline.ts'

/** The largest picture within the limits takes about ten seconds; checked between strips of rows. */
export const DECODE_SECONDS = 30

/** How a picture is brought to RGB. */
export interface Conversion {
  /** The size to decode to; undefined when the picture is decoded whole. */
  reduced: Size | undefined
  plainBands: boolean
}

/**
 * The decoder library keeps one error text for the whole process, so that a picture may fail with the words of
 * its neighbour, or with none. A failure is therefore looked at once more, one picture at a time.
 */
export async function decodeAgain(
  open: OpenPicture,
  bytes: Uint8Array,
  format: ImageFormat,
  conversion: Conversion,
  first: unknown,
): Promise<RgbImage> {
  if (format === 'jpeg' && !endsWithMarker(bytes)) {
    // Where only the end marker is missing, with it all is there; where data is missing too, that is reported.
    return toRgb(open({}, withEndMarker(bytes)), conversion)
  }
  if (isCutShort(bytes, format)) {
    throw first
  }
  try {
    return await toRgb(open(), conversion)
  } catch (error) {
    if (!isHarmless(error)) {
      throw error
    }
    // Warnings pass; missing rows and broken data do not.
    return toRgb(open({ failOn: 'error' }), conversion)
  }
}

const END_MARKER = Buffer.of(0xff, 0xd9)

/** Whether a JPEG has its end marker behind its last scan; one before belongs to a small picture in the headers. */
function endsWithMarker(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.lastIndexOf(END_MARKER) > buffer.lastIndexOf('\xff\xda', undefined, 'latin1')
}

const withEndMarker = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, END_MARKER])

export async function toRgb(source: PicturePipeline, { reduced, plainBands }: Conversion): Promise<RgbImage> {
  let pipeline = source
  if (reduced !== undefined) {
    pipeline = pipeline.resize({ ...reduced, fit: 'fill', kernel: 'linear' })
  }
  pipeline = pipeline.timeout({ seconds: DECODE_SECONDS })
  if (plainBands) {
    pipeline = pipeline.flatten({ background: '#000' })
  }
  const { data, info } = await pipeline
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { data: firstThree(data, info.channels), width: info.width, height: info.height }
}

/** Red, green and blue of pixels with more bands; grey three times for those with fewer. */
function firstThree(data: Uint8Array, bands: number): Uint8Array {
  if (bands === 3) {
    return data
  }
  const pixels = data.length / bands
  const rgb = new Uint8Array(pixels * 3)
  const [green, blue] = bands < 3 ? [0, 0] : [1, 2]
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += bands, to += 3) {
    rgb[to] = data[from]!
    rgb[to + 1] = data[from + green]!
    rgb[to + 2] = data[from + blue]!
  }
  return rgb
}

let lane: Promise<unknown> = Promise.resolve()

export function secondLook<T>(look: () => Promise<T>): Promise<T> {
  const mine = lane.then(look, look)
  lane = mine
  return mine
}
