/** What the headers of a picture say, so that work that cannot be afforded is not begun. */
import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import { FORMAT_NAMES, type ImageFormat } from '../../system/sniff.ts'
import { tooLarge } from './decode-error.ts'
import { jpegHeader } from './jpeg-header.ts'
import type { OpenPicture } from './picture-pipeline.ts'
import { tiffHeader } from './tiff-header.ts'

/** Pixels along an edge: twice the longest JPEG. Rows cost time of their own, so 60 million of them take a minute. */
const MAX_EDGE = 2 ** 17
/**
 * Pixels of an AVIF or HEIC: twice what telephones write. Their decoders take several times as long a pixel as others, and
 * that of AVIF cannot be stopped on its way.
 */
const MAX_VIDEO_PIXELS = 2 ** 26
/** Bands of a TIFF: satellites have 13, and all of them are decoded before three are taken. */
export const MAX_BANDS = 64
/** Pixels times bands. */
const MAX_SAMPLES = 2 ** 29
/** Pages of a TIFF, each of which the decoder looks at before it reads the first. Scanners fill a few hundred. */
const MAX_PAGES = 10_000
/**
 * Pixels times scans of a progressive JPEG: every scan passes over the whole picture, and a valid file may have 2,600 of
 * them in few bytes. Encoders write about 10, and 134 megapixels may have 16.
 */
const MAX_SCANNED_PIXELS = 2 ** 31

export interface Declared {
  format: ImageFormat
  /** Upright; undefined where only the decoder can tell. */
  size: Size | undefined
  /** False for a TIFF with bands that are neither colour nor its one transparency. */
  plainBands: boolean
  bands: number
  pages: number
  scans: number
}

export async function declaredHeader(
  open: OpenPicture,
  bytes: Uint8Array,
  format: ImageFormat,
): Promise<Declared> {
  const plain = { format, plainBands: true, bands: 3, pages: 1, scans: 1 }
  if (format === 'jpeg') {
    return { ...plain, size: jpegHeader(bytes)?.upright, scans: countScans(bytes) }
  }
  if (format !== 'tiff') {
    return { ...plain, size: await uprightSize(open) }
  }
  const { colours = 3, extras = [], pages = 1 } = tiffHeader(bytes, MAX_PAGES) ?? {}
  const plainBands = extras.length === 0 || (extras.length === 1 && (extras[0] === 1 || extras[0] === 2))
  const size = pages > MAX_PAGES ? undefined : await uprightSize(open)
  return { format, size, plainBands, bands: colours + extras.length, pages, scans: 1 }
}

/** The marker of a scan cannot occur inside one: there 0xff is always followed by 0 or by a marker without content. */
function countScans(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let scans = 0
  for (
    let at = buffer.indexOf('\xff\xda', 0, 'latin1');
    at >= 0;
    at = buffer.indexOf('\xff\xda', at + 2, 'latin1')
  ) {
    scans++
  }
  return scans
}

/** @throws BoxletError IMAGE_TOO_LARGE */
export function checkWork({ format, size, bands, pages, scans }: Declared): void {
  const refuse = (expected: string, received: string) =>
    new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${expected} but received ${received}.`, {
      hint: 'Save the picture again, as a plain JPEG or PNG of ordinary size.',
      details: { ...size },
    })
  if (pages > MAX_PAGES) {
    throw refuse(`${MAX_PAGES} pages for a TIFF`, 'more')
  }
  if (bands > MAX_BANDS) {
    throw refuse(`${MAX_BANDS} bands for a TIFF`, `${bands}`)
  }
  if (size === undefined) {
    return
  }
  const { width, height } = size
  if (bands * width * height > MAX_SAMPLES) {
    throw refuse(`${MAX_SAMPLES} samples for a TIFF`, `${width} × ${height} pixels of ${bands} bands`)
  }
  if (Math.max(width, height) > MAX_EDGE) {
    throw refuse(`${MAX_EDGE} pixels along an edge of a picture`, `${width} × ${height}`)
  }
  if ((format === 'avif' || format === 'heic') && width * height > MAX_VIDEO_PIXELS) {
    throw refuse(`${MAX_VIDEO_PIXELS} pixels for ${FORMAT_NAMES[format]}`, `${width} × ${height}`)
  }
  if (scans * width * height > MAX_SCANNED_PIXELS && scans > 1) {
    throw refuse(
      `${Math.floor(MAX_SCANNED_PIXELS / (width * height))} scans for a JPEG of ${width} × ${height} pixels`,
      `${scans}`,
    )
  }
}

/** Undefined where the headers cannot be read; decoding then says why. */
async function uprightSize(open: OpenPicture): Promise<Size | undefined> {
  try {
    return (await open({ failOn: 'none' }).metadata()).autoOrient
  } catch {
    return undefined
  }
}

/** What a HEIC may declare, which has no other work than its pixels. @throws BoxletError IMAGE_TOO_LARGE */
export function checkHeicSize(size: Size, maxPixels: number): void {
  if (size.width * size.height > maxPixels) {
    throw tooLarge(size, maxPixels)
  }
  checkWork({ format: 'heic', size, plainBands: true, bands: 3, pages: 1, scans: 1 })
}
