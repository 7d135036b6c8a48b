import type { Size } from '../../boxes/box.ts'

export interface JpegHeader {
  /** Pixels after the EXIF orientation is applied. */
  upright: Size
  /** 1 grey, 3 colour, 4 CMYK. */
  components: number
}

/** Marker segments walked before giving up: a real file has tens; ICC profiles and XMP a few more. */
const MAX_SEGMENTS = 4096

const SOI = 0xd8
const SOS = 0xda
const EOI = 0xd9
const APP1 = 0xe1

/** The EXIF orientation that needs no turning. */
const UPRIGHT = 1

/**
 * Size and orientation from a JPEG's headers, in microseconds, so that a picture can be read at reduced size
 * in one pass. Undefined where the headers are not plain; the decoder proper then decides.
 *
 * source  ITU-T T.81 annex B; Exif 2.32 section 4.6
 */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let orientation: number | undefined
  let at = 2
  for (let count = 0; count < MAX_SEGMENTS && at + 4 <= bytes.length; count++) {
    if (bytes[at] !== 0xff) {
      return undefined
    }
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    if (marker === SOI || marker === EOI || marker === SOS) {
      return undefined
    }
    const length = view.getUint16(at + 2)
    const end = at + 2 + length
    if (length < 2 || end > bytes.length) {
      return undefined
    }
    if (isFrame(marker)) {
      return length < 8 ? undefined : frame(view, at + 4, orientation ?? UPRIGHT)
    }
    // The first EXIF segment counts, for the decoder too: two answers would cut boxes to the wrong edges.
    if (marker === APP1 && isExif(view, at + 4, end)) {
      orientation ??= exifOrientation(view, at + 4, end) ?? UPRIGHT
    }
    at = end
  }
  return undefined
}

/** C0–CF are frames, but for the tables DHT (C4), JPG (C8) and DAC (CC). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

function frame(view: DataView, at: number, orientation: number): JpegHeader | undefined {
  const height = view.getUint16(at + 1)
  const width = view.getUint16(at + 3)
  // A height of 0 is reported later, after the first scan.
  if (width === 0 || height === 0) {
    return undefined
  }
  const turned = orientation >= 5
  return {
    upright: turned ? { width: height, height: width } : { width, height },
    components: view.getUint8(at + 5),
  }
}

/** "Exif" and two zeros; XMP shares the marker. */
const isExif = (view: DataView, at: number, end: number): boolean =>
  at + 6 <= end && view.getUint32(at) === 0x45786966 && view.getUint16(at + 4) === 0

function exifOrientation(view: DataView, at: number, end: number): number | undefined {
  if (at + 14 > end) {
    return undefined
  }
  const tiff = at + 6
  const little = view.getUint16(tiff) === 0x4949
  if (!little && view.getUint16(tiff) !== 0x4d4d) {
    return undefined
  }
  const directory = tiff + view.getUint32(tiff + 4, little)
  if (directory + 2 > end) {
    return undefined
  }
  const entries = view.getUint16(directory, little)
  for (let i = 0, entry = directory + 2; i < entries && entry + 12 <= end; i++, entry += 12) {
    if (view.getUint16(entry, little) !== 0x0112) {
      continue
    }
    const value = view.getUint16(entry + 8, little)
    return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}
