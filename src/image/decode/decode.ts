import type { SharpOptions } from 'sharp'
import { loadSharp } from '#picture-decoder'
import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import type { ImageFormat } from '../../system/sniff.ts'
import type { RgbImage } from '../rgb-image.ts'
import { acceptedFormat, notRead } from './accepted-format.ts'
import { checkWork, declaredHeader, MAX_BANDS } from './declared-work.ts'
import { decodeError, isOverTime } from './decode-error.ts'
import { decodeHeicApart } from './heic-apart.ts'
import { jpegHeader } from './jpeg-header.ts'
import type { OpenPicture } from './picture-pipeline.ts'
import { type Conversion, decodeAgain, secondLook, toRgb } from './to-rgb.ts'

/**
 * Pixels that a picture may declare: 134 million, so that the 108-megapixel pictures of telephones pass, and
 * at most 400 MB of RGB. A service with less memory sets less.
 */
export const DEFAULT_MAX_PIXELS = 2 ** 27
/** A reduced copy keeps at least this many pixels for each one wanted, along both axes. */
const OVERSAMPLING = 1.5
/** Smaller reductions than this do not let the JPEG decoder skip work. */
const LEAST_REDUCTION = 3

export interface DecodeOptions {
  /** Declared pixels (width × height) above which a picture is refused before decoding. */
  maxPixels?: number
  /** Encoded bytes above which a picture is refused. */
  maxBytes?: number
  /** Formats accepted. Default all. */
  formats?: readonly ImageFormat[]
  /**
   * Pixels that will be needed, as a size or as a function of the upright original size. A picture at least 4.5
   * times larger along both axes may then be decoded to a smaller copy, averaged and never below 1.5 times this
   * size: up to three times faster for camera JPEGs, a ninth of the memory, and less aliasing than the plain
   * bilinear reduction of the original.
   */
  shrinkTo?: Size | ((image: Size) => Size)
  /** Decodes what there is of a damaged picture; rows that are missing are grey or black. Default false. */
  tolerant?: boolean
  /**
   * `ignore` (default) takes stored values as sRGB, as OpenCV and Pillow do where detectors are trained, and
   * saves up to two thirds of the time. `apply` converts by the embedded profile, for showing a picture.
   */
  colourProfile?: 'ignore' | 'apply'
  signal?: AbortSignal
}

export interface DecodedImage {
  /** Upright. Smaller than `size` when `shrinkTo` allowed it. */
  pixels: RgbImage
  /** Upright original size: the frame of all boxes. */
  size: Size
  format: ImageFormat
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF or TIFF, and HEIC where its decoder is installed, to upright 8-bit RGB: EXIF orientations 1–8 applied, first
 * frame or page only, grey and palette and CMYK and 16 bit converted.
 *
 * Transparency is laid on black, which is what most encoders store under full transparency, so that this agrees with the
 * training pipelines, which drop the alpha channel, without showing colours that nobody was meant to see. Bands that are
 * neither colour nor transparency, near infrared or masks in a TIFF, are left out.
 *
 * @throws BoxletError IMAGE_EMPTY, IMAGE_FORMAT (not a picture, or one in a format not read here), IMAGE_TOO_LARGE (before
 * decoding), IMAGE_TRUNCATED, IMAGE_CORRUPT, ABORTED.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { signal } = options
  const format = acceptedFormat(bytes, options)
  throwIfAborted(signal)
  try {
    return format === 'heic'
      ? await decodeHeicImage(bytes, options)
      : await decode(await opener(bytes, format, options), bytes, format, options)
  } finally {
    throwIfAborted(signal)
  }
}

/** HEIC has a decoder of its own, which is there only where somebody has added it. */
async function decodeHeicImage(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const pixels = await decodeHeicApart(bytes, pixelLimit(options), options.signal)
  if (pixels === undefined) {
    throw notRead('HEIC', options.formats)
  }
  return { pixels, size: { width: pixels.width, height: pixels.height }, format: 'heic' }
}

/** Whole and positive: the decoder takes 0 for "no limit", which nobody means who writes it. */
function pixelLimit({ maxPixels = DEFAULT_MAX_PIXELS }: DecodeOptions): number {
  if (!(maxPixels >= 1)) {
    throw new BoxletError('USAGE', `Expected at least 1 for maxPixels but received ${maxPixels}.`, {
      hint: 'Give the most pixels, width times height, that a picture may declare.',
    })
  }
  return Math.min(Math.floor(maxPixels), Number.MAX_SAFE_INTEGER)
}

async function opener(given: Uint8Array, format: ImageFormat, options: DecodeOptions): Promise<OpenPicture> {
  const sharp = await loadSharp()
  const { tolerant = false, colourProfile = 'ignore' } = options
  const settings: SharpOptions = {
    autoOrient: true,
    // CMYK means nothing without a profile; the embedded one is the right one.
    ignoreIcc: colourProfile === 'ignore' && !(format === 'jpeg' && jpegHeader(given)?.components === 4),
    limitInputPixels: pixelLimit(options),
    limitInputChannels: MAX_BANDS,
    failOn: tolerant ? 'none' : 'warning',
  }
  return (overrides, bytes = given) => sharp(bytes, { ...settings, ...overrides })
}

async function decode(
  open: OpenPicture,
  bytes: Uint8Array,
  format: ImageFormat,
  options: DecodeOptions,
): Promise<DecodedImage> {
  try {
    const declared = await declaredHeader(open, bytes, format)
    checkWork(declared)
    // Reducing would mix a band that is taken for transparency into all others.
    const reduced = declared.plainBands ? reducedSize(declared.size, options) : undefined
    const conversion: Conversion = { reduced, plainBands: declared.plainBands }
    const pixels = await toRgb(open(), conversion).catch((error: unknown) => {
      // A second look would take as long again.
      if (options.tolerant || isOverTime(error)) {
        throw error
      }
      return secondLook(() => decodeAgain(open, bytes, format, conversion, error))
    })
    const size =
      reduced === undefined || declared.size === undefined
        ? { width: pixels.width, height: pixels.height }
        : declared.size
    return { pixels, size, format }
  } catch (error) {
    throw await decodeError(error, bytes, format, () => declaredSize(open), pixelLimit(options))
  }
}

/** The size to decode to, for pixels that are to be skipped; undefined when the picture is decoded whole. */
function reducedSize(size: Size | undefined, { shrinkTo }: DecodeOptions): Size | undefined {
  if (shrinkTo === undefined || size === undefined) {
    return undefined
  }
  const wanted = typeof shrinkTo === 'function' ? shrinkTo(size) : shrinkTo
  const reduction = Math.min(size.width / wanted.width, size.height / wanted.height) / OVERSAMPLING
  if (reduction < LEAST_REDUCTION) {
    return undefined
  }
  return { width: Math.round(size.width / reduction), height: Math.round(size.height / reduction) }
}

/** Reads headers only, for the message about a picture that is refused already. */
async function declaredSize(open: OpenPicture): Promise<Size | undefined> {
  try {
    const { width, height } = await open({ limitInputPixels: false }).metadata()
    return { width, height }
  } catch {
    return undefined
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) {
    return
  }
  throw new BoxletError('ABORTED', 'Expected the picture to be decoded but the work was cancelled.', {
    cause: signal.reason,
  })
}
