import type { SharpOptions } from 'sharp'
import { loadSharp } from '#picture-decoder'
import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import { ALL_FORMATS, FORMAT_NAMES, type ImageFormat, sniff } from '../../system/sniff.ts'
import type { RgbImage } from '../rgb-image.ts'
import { decodeError, isCutShort, isHarmless } from './decode-error.ts'
import { jpegHeader } from './jpeg-header.ts'
import type { PicturePipeline } from './picture-pipeline.ts'
import { checkSvg } from './svg-guard.ts'

/**
 * Pixels that a picture may declare: 134 million, so that the 108-megapixel pictures of telephones pass, and
 * at most 400 MB of RGB. A service with less memory sets less.
 */
export const DEFAULT_MAX_PIXELS = 2 ** 27
/** Encoded bytes: an uncompressed 16-bit picture of 44 megapixels. Camera files are a tenth of it. */
export const DEFAULT_MAX_BYTES = 2 ** 28
/** SVG costs time for every pixel and every element, so its drawing area is kept to 4096 × 4096. */
const MAX_SVG_PIXELS = 2 ** 24
/** Seconds for drawing an SVG, whose cost its size does not tell. */
const SVG_SECONDS = 5
/** A reduced copy keeps at least this many pixels for each one wanted, along both axes. */
const OVERSAMPLING = 1.5
/** Smaller reductions than this do not let the JPEG decoder skip work. */
const LEAST_REDUCTION = 3

export interface DecodeOptions {
  /** Declared pixels (width × height) above which a picture is refused before decoding. */
  maxPixels?: number
  /** Encoded bytes above which a picture is refused. */
  maxBytes?: number
  /** Formats accepted. Default all; a public service may leave out `svg`, whose cost cannot be told before. */
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
 * Decodes a JPEG, PNG, WebP, AVIF, GIF, TIFF or SVG to upright 8-bit RGB: EXIF orientations 1–8 applied, first
 * frame or page only, grey and palette and CMYK and 16 bit converted.
 *
 * Transparency is laid on black, on white for SVG. Black is what most encoders store under full transparency,
 * so that this agrees with the training pipelines, which drop the alpha channel, without showing colours that
 * nobody was meant to see; drawings are made for white paper.
 *
 * @throws BoxletError IMAGE_EMPTY, IMAGE_FORMAT (not a picture, or one in a format not read here), IMAGE_TOO_LARGE (before
 * decoding), IMAGE_TRUNCATED, IMAGE_CORRUPT, ABORTED.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { signal } = options
  const format = checkBytes(bytes, options)
  if (format === 'svg') {
    checkSvg(bytes)
  }
  throwIfAborted(signal)
  const open = await opener(bytes, format, options)
  try {
    return await decode(open, bytes, format, options)
  } finally {
    throwIfAborted(signal)
  }
}

function checkBytes(
  bytes: Uint8Array,
  { maxBytes = DEFAULT_MAX_BYTES, formats = ALL_FORMATS }: DecodeOptions,
): ImageFormat {
  if (bytes.length === 0) {
    throw new BoxletError('IMAGE_EMPTY', 'Expected the bytes of a picture but received none.', {
      hint: 'Check that the file was written or sent completely.',
    })
  }
  if (bytes.length > maxBytes) {
    throw new BoxletError(
      'IMAGE_TOO_LARGE',
      `Expected at most ${maxBytes} bytes for a picture but received ${bytes.length}.`,
      {
        hint: 'Send a smaller or more strongly compressed picture.',
        details: { maxBytes, bytes: bytes.length },
      },
    )
  }
  const { format, name } = sniff(bytes)
  if (format !== undefined && formats.includes(format)) {
    return format
  }
  throw new BoxletError(
    'IMAGE_FORMAT',
    `Expected a ${listed(formats)} picture but received ${withArticle(name)}.`,
    { hint: formatHint(name), details: { received: name } },
  )
}

function listed(formats: readonly ImageFormat[]): string {
  const names = formats.map((format) => FORMAT_NAMES[format])
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Names that are things, not kinds of data, take an article: "an HTML page" but "JSON". */
const withArticle = (name: string): string =>
  / (page|document|archive|video|pointer|file)$|^program$|URL$/.test(name)
    ? `${/^([aeio]|HT)/i.test(name) ? 'an' : 'a'} ${name}`
    : name

function formatHint(name: string): string {
  if (/HEIC/.test(name)) {
    return 'Convert it to JPEG, or set the camera to its most compatible format.'
  }
  if (/base64|data URL/.test(name)) {
    return 'Decode the base64 text first and send the bytes.'
  }
  if (/HTML|JSON|XML|text/.test(name)) {
    return 'An address or server may have answered with a message, not a picture.'
  }
  if (/Git LFS/.test(name)) {
    return 'Run git lfs pull to fetch the picture itself.'
  }
  if (/PDF|PostScript|Photoshop/.test(name)) {
    return 'Export the page as PNG or JPEG.'
  }
  if (/video/.test(name)) {
    return 'Extract single frames as JPEG first.'
  }
  return 'Convert it to JPEG or PNG.'
}

/** Whole and positive: the decoder takes 0 for "no limit", which nobody means who writes it. */
function pixelLimit(format: ImageFormat, { maxPixels = DEFAULT_MAX_PIXELS }: DecodeOptions): number {
  if (!(maxPixels >= 1)) {
    throw new BoxletError('USAGE', `Expected at least 1 for maxPixels but received ${maxPixels}.`, {
      hint: 'Give the most pixels, width times height, that a picture may declare.',
    })
  }
  const most = format === 'svg' ? MAX_SVG_PIXELS : Number.MAX_SAFE_INTEGER
  return Math.min(Math.floor(maxPixels), most)
}

/**
 * The decoder library keeps one error text for the whole process, so that a picture may fail with the words of
 * its neighbour, or with none. A failure is therefore looked at once more, one picture at a time.
 */
async function decodeAgain(open: Open, format: ImageFormat, reduced: Size | undefined): Promise<RgbImage> {
  try {
    return await run(open(), format, reduced)
  } catch (error) {
    if (!isHarmless(error)) {
      throw error
    }
    // Warnings pass; missing rows and broken data do not.
    return run(open({ failOn: 'error' }), format, reduced)
  }
}

let lane: Promise<unknown> = Promise.resolve()

function secondLook<T>(look: () => Promise<T>): Promise<T> {
  const mine = lane.then(look, look)
  lane = mine
  return mine
}

type Open = (overrides?: SharpOptions) => PicturePipeline

async function opener(bytes: Uint8Array, format: ImageFormat, options: DecodeOptions): Promise<Open> {
  const sharp = await loadSharp()
  const { tolerant = false, colourProfile = 'ignore' } = options
  const settings: SharpOptions = {
    autoOrient: true,
    // CMYK means nothing without a profile; the embedded one is the right one.
    ignoreIcc: colourProfile === 'ignore' && !(format === 'jpeg' && jpegHeader(bytes)?.components === 4),
    limitInputPixels: pixelLimit(format, options),
    failOn: tolerant ? 'none' : 'warning',
  }
  return (overrides) => sharp(bytes, { ...settings, ...overrides })
}

async function decode(
  open: Open,
  bytes: Uint8Array,
  format: ImageFormat,
  options: DecodeOptions,
): Promise<DecodedImage> {
  try {
    const reduction = await reducedSize(open, bytes, format, options)
    const pixels = await run(open(), format, reduction?.reduced).catch((error: unknown) => {
      if (options.tolerant || isCutShort(bytes, format)) {
        throw error
      }
      return secondLook(() => decodeAgain(open, format, reduction?.reduced))
    })
    return { pixels, size: reduction?.size ?? { width: pixels.width, height: pixels.height }, format }
  } catch (error) {
    throw await decodeError(error, bytes, format, () => declaredSize(open), pixelLimit(format, options))
  }
}

async function run(
  source: PicturePipeline,
  format: ImageFormat,
  reduced: Size | undefined,
): Promise<RgbImage> {
  let pipeline = source
  if (reduced !== undefined) {
    pipeline = pipeline.resize({ ...reduced, fit: 'fill', kernel: 'linear' })
  }
  if (format === 'svg') {
    pipeline = pipeline.timeout({ seconds: SVG_SECONDS })
  }
  const { data, info } = await pipeline
    .flatten({ background: format === 'svg' ? '#fff' : '#000' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** The upright original size and the size to decode to; undefined when the picture is decoded whole. */
async function reducedSize(
  open: Open,
  bytes: Uint8Array,
  format: ImageFormat,
  { shrinkTo }: DecodeOptions,
): Promise<{ size: Size; reduced: Size } | undefined> {
  // A drawing has no pixels to skip.
  if (shrinkTo === undefined || format === 'svg') {
    return undefined
  }
  const size = format === 'jpeg' ? jpegHeader(bytes)?.upright : await uprightSize(open)
  if (size === undefined) {
    return undefined
  }
  const wanted = typeof shrinkTo === 'function' ? shrinkTo(size) : shrinkTo
  const reduction = Math.min(size.width / wanted.width, size.height / wanted.height) / OVERSAMPLING
  if (reduction < LEAST_REDUCTION) {
    return undefined
  }
  return {
    size,
    reduced: { width: Math.round(size.width / reduction), height: Math.round(size.height / reduction) },
  }
}

async function uprightSize(open: Open): Promise<Size | undefined> {
  const { autoOrient } = await open().metadata()
  return autoOrient
}

/** Reads headers only, for the message about a picture that is refused already. */
async function declaredSize(open: Open): Promise<Size | undefined> {
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
