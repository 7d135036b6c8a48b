import type { SharpOptions } from 'sharp'
import { loadSharp } from '#picture-decoder'
import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import { ALL_FORMATS, FORMAT_NAMES, type ImageFormat, sniff } from '../../system/sniff.ts'
import type { RgbImage } from '../rgb-image.ts'
import { decodeError, isCutShort, isHarmless, isOverTime, tooLarge } from './decode-error.ts'
import { decodeHeic, HEIC_HINT } from './heic.ts'
import { jpegHeader } from './jpeg-header.ts'
import type { PicturePipeline } from './picture-pipeline.ts'
import { tiffHeader } from './tiff-header.ts'

/**
 * Pixels that a picture may declare: 134 million, so that the 108-megapixel pictures of telephones pass, and
 * at most 400 MB of RGB. A service with less memory sets less.
 */
export const DEFAULT_MAX_PIXELS = 2 ** 27
/** Encoded bytes: an uncompressed 16-bit picture of 44 megapixels. Camera files are a tenth of it. */
export const DEFAULT_MAX_BYTES = 2 ** 28
/** Pixels along an edge: twice the longest JPEG. Rows cost time of their own, so 60 million of them take a minute. */
const MAX_EDGE = 2 ** 17
/** The largest picture within the limits takes about ten seconds; checked between strips of rows. */
const DECODE_SECONDS = 30
/** Bands of a TIFF: satellites have 13, and all of them are decoded before three are taken. */
const MAX_BANDS = 64
/** Pixels times bands. */
const MAX_SAMPLES = 2 ** 29
/** Pages of a TIFF, each of which the decoder looks at before it reads the first. Scanners fill a few hundred. */
const MAX_PAGES = 10_000
/**
 * Pixels times scans of a progressive JPEG: every scan passes over the whole picture, and a valid file may have 2,600 of
 * them in few bytes. Encoders write about 10, and 134 megapixels may have 16.
 */
const MAX_SCANNED_PIXELS = 2 ** 31
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
  const format = checkBytes(bytes, options)
  throwIfAborted(signal)
  try {
    return format === 'heic'
      ? await decodeHeicImage(bytes, options)
      : await decode(await opener(bytes, format, options), bytes, format, options)
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
  throw notRead(name, formats)
}

const notRead = (name: string, formats: readonly ImageFormat[] = ALL_FORMATS): BoxletError =>
  new BoxletError(
    'IMAGE_FORMAT',
    `Expected a ${listed(formats.filter((format) => format !== 'heic'))} picture but received ${withArticle(name)}.`,
    { hint: formatHint(name), details: { received: name } },
  )

/** HEIC has a decoder of its own, which is there only where somebody has added it. */
async function decodeHeicImage(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const maxPixels = pixelLimit(options)
  const pixels = await decodeHeic(bytes, (size) => {
    if (size.width * size.height > maxPixels) {
      throw tooLarge(size, maxPixels)
    }
    checkWork({ size, plainBands: true, bands: 3, pages: 1, scans: 1 })
  })
  if (pixels === undefined) {
    throw notRead('HEIC', options.formats)
  }
  return { pixels, size: { width: pixels.width, height: pixels.height }, format: 'heic' }
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
    return HEIC_HINT
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
  if (name === 'SVG') {
    return 'Export the drawing as PNG, at the size at which it is to be looked at.'
  }
  return 'Convert it to JPEG or PNG.'
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

let lane: Promise<unknown> = Promise.resolve()

function secondLook<T>(look: () => Promise<T>): Promise<T> {
  const mine = lane.then(look, look)
  lane = mine
  return mine
}

type Open = (overrides?: SharpOptions, bytes?: Uint8Array) => PicturePipeline

async function opener(given: Uint8Array, format: ImageFormat, options: DecodeOptions): Promise<Open> {
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
  open: Open,
  bytes: Uint8Array,
  format: ImageFormat,
  options: DecodeOptions,
): Promise<DecodedImage> {
  try {
    const declared = await declaredHeader(open, bytes, format)
    checkWork(declared)
    // Reducing would mix a band that is taken for transparency into all others.
    const reduced = declared.plainBands ? reducedSize(declared.size, options) : undefined
    const way: Way = { reduced, plainBands: declared.plainBands }
    const pixels = await run(open(), way).catch((error: unknown) => {
      // A second look would take as long again.
      if (options.tolerant || isOverTime(error)) {
        throw error
      }
      return secondLook(() => decodeAgain(open, bytes, format, way, error))
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

interface Declared {
  /** Upright; undefined where only the decoder can tell. */
  size: Size | undefined
  /** False for a TIFF with bands that are neither colour nor its one transparency. */
  plainBands: boolean
  bands: number
  pages: number
  scans: number
}

/** What the headers say, so that work that cannot be afforded is not begun. */
async function declaredHeader(open: Open, bytes: Uint8Array, format: ImageFormat): Promise<Declared> {
  const plain = { plainBands: true, bands: 3, pages: 1, scans: 1 }
  if (format === 'jpeg') {
    return { ...plain, size: jpegHeader(bytes)?.upright, scans: countScans(bytes) }
  }
  if (format !== 'tiff') {
    return { ...plain, size: await uprightSize(open) }
  }
  const { colours = 3, extras = [], pages = 1 } = tiffHeader(bytes, MAX_PAGES) ?? {}
  const plainBands = extras.length === 0 || (extras.length === 1 && (extras[0] === 1 || extras[0] === 2))
  const size = pages > MAX_PAGES ? undefined : await uprightSize(open)
  return { size, plainBands, bands: colours + extras.length, pages, scans: 1 }
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

function checkWork({ size, bands, pages, scans }: Declared): void {
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
  if (scans * width * height > MAX_SCANNED_PIXELS && scans > 1) {
    throw refuse(
      `${Math.floor(MAX_SCANNED_PIXELS / (width * height))} scans for a JPEG of ${width} × ${height} pixels`,
      `${scans}`,
    )
  }
}

/** How a picture is brought to RGB. */
interface Way {
  /** The size to decode to; undefined when the picture is decoded whole. */
  reduced: Size | undefined
  plainBands: boolean
}

/**
 * The decoder library keeps one error text for the whole process, so that a picture may fail with the words of
 * its neighbour, or with none. A failure is therefore looked at once more, one picture at a time.
 */
async function decodeAgain(
  open: Open,
  bytes: Uint8Array,
  format: ImageFormat,
  way: Way,
  first: unknown,
): Promise<RgbImage> {
  if (format === 'jpeg' && !endsWithMarker(bytes)) {
    // Where only the end marker is missing, with it all is there; where data is missing too, that is told.
    return run(open({}, withEndMarker(bytes)), way)
  }
  if (isCutShort(bytes, format)) {
    throw first
  }
  try {
    return await run(open(), way)
  } catch (error) {
    if (!isHarmless(error)) {
      throw error
    }
    // Warnings pass; missing rows and broken data do not.
    return run(open({ failOn: 'error' }), way)
  }
}

const END_MARKER = Buffer.of(0xff, 0xd9)

/** Whether a JPEG has its end marker behind its last scan; one before belongs to a small picture in the headers. */
function endsWithMarker(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.lastIndexOf(END_MARKER) > buffer.lastIndexOf('\xff\xda', undefined, 'latin1')
}

const withEndMarker = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, END_MARKER])

async function run(source: PicturePipeline, { reduced, plainBands }: Way): Promise<RgbImage> {
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

/** Undefined where the headers cannot be read; decoding then says why. */
async function uprightSize(open: Open): Promise<Size | undefined> {
  try {
    return (await open({ failOn: 'none' }).metadata()).autoOrient
  } catch {
    return undefined
  }
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
