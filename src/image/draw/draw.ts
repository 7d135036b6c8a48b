import { clip, type PixelBox, type Size } from '../../boxes/box.ts'
import type { Detection } from '../../boxes/detection.ts'
import { BoxletError } from '../../errors.ts'
import { type DecodeOptions, decodeImage } from '../decode/decode.ts'
import { loadSharp } from '../decode/load-sharp.ts'
import type { RgbImage } from '../rgb-image.ts'
import { fillDisc, fillRect, fillStencil, strokePolygon, strokeRect } from './canvas.ts'
import { CHIP_PADDING, layoutChips } from './chips.ts'
import { classColour, type Rgb, textColour } from './colours.ts'
import { crowding } from './place.ts'
import { drawText, renderGlyphs } from './text.ts'

export type DrawFormat = 'jpeg' | 'png' | 'webp'

export interface DrawOptions {
  /** Default jpeg. */
  format?: DrawFormat
  /** 1–100 for JPEG and WebP. Default 90. */
  quality?: number
  /** Writes label and score beside each box. Default true. */
  labels?: boolean
  /** Keypoints below this confidence are left out. Default 0.3. */
  minKeypointScore?: number
  /** How encoded bytes are decoded; colour profiles are always applied. */
  decode?: Pick<DecodeOptions, 'maxPixels' | 'maxBytes' | 'tolerant'>
  signal?: AbortSignal
}

/** Longest edge below which a picture is enlarged by a whole factor, so that labels have room. */
const LEAST_EDGE = 480
/** A single pixel need not become a poster. */
const MAX_ENLARGEMENT = 16
/** Text of 14 pixels on a picture of 640: large pictures are looked at reduced, so text grows almost with them. */
const TEXT_AT_640 = 14
const TEXT_GROWTH = 0.85
/** Below these the letters run together. */
const LEAST_TEXT = 13
const LEAST_CROWDED_TEXT = 11
/** Text is at most this share of the short edge, for panoramas. */
const MOST_TEXT_SHARE = 1 / 8
/** Most pixels along an edge that each format can say. */
const MAX_EDGE: Record<DrawFormat, number> = { jpeg: 65_535, png: 2 ** 31 - 1, webp: 16_383 }
const MASK_OPACITY = 0.5
const OUTLINE: Rgb = [0, 0, 0]
const OUTLINE_OPACITY = 0.4

/**
 * Draws detections onto the upright picture and encodes it: masks half transparent, boxes (turned ones by their
 * corners), keypoints, and a label with score that is readable at any size. Small pictures are enlarged by a
 * whole factor. The best detections lie on top. The caller's pixels are not changed.
 *
 * Detections are in pixels of the upright original, as `detect` gives them.
 *
 * @throws BoxletError what `decodeImage` throws, and USAGE for an unknown format, a quality out of range, or a picture
 * larger than the format can hold.
 */
export async function drawDetections(
  image: Uint8Array | RgbImage,
  detections: readonly Detection[],
  options: DrawOptions = {},
): Promise<Uint8Array> {
  const { format = 'jpeg', quality = 90, labels = true, minKeypointScore = 0.3, signal } = options
  checkOptions(format, quality)
  const source =
    image instanceof Uint8Array
      ? (await decodeImage(image, { ...options.decode, colourProfile: 'apply', ...(signal && { signal }) }))
          .pixels
      : // A Buffer, which decoders give, would share its memory with a slice.
        { ...image, data: new Uint8Array(image.data) }
  const factor = enlargement(source)
  const canvas = await enlarge(source, factor)
  const style = styleFor(canvas, detections.length)
  // Best last, so that it is on top; labels are laid out best first, so that it has the best place.
  const ordered = [...detections].sort((a, b) => a.score - b.score).map((d) => scaled(d, factor))
  for (const detection of ordered) {
    drawMask(canvas, detection, factor)
  }
  for (const detection of ordered) {
    drawShape(canvas, detection, style.line)
  }
  for (const detection of ordered) {
    drawKeypoints(canvas, detection, style.line, minKeypointScore)
  }
  if (labels) {
    await drawLabels(canvas, ordered.reverse(), style.text)
  }
  return encode(canvas, format, quality)
}

function checkOptions(format: string, quality: number): void {
  if (!Object.hasOwn(MAX_EDGE, format)) {
    throw new BoxletError('USAGE', `Expected jpeg, png or webp for the format but received ${format}.`, {
      hint: 'Choose one of the three.',
    })
  }
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new BoxletError(
      'USAGE',
      `Expected a whole number from 1 to 100 for the quality but received ${quality}.`,
      {
        hint: 'Take 90 for good pictures, 75 for small ones.',
      },
    )
  }
}

function enlargement({ width, height }: Size): number {
  return Math.min(MAX_ENLARGEMENT, Math.max(1, Math.ceil(LEAST_EDGE / Math.max(width, height))))
}

async function enlarge(image: RgbImage, factor: number): Promise<RgbImage> {
  if (factor === 1) {
    return image
  }
  const sharp = await loadSharp()
  const { width, height } = image
  const { data, info } = await sharp(image.data, { raw: { width, height, channels: 3 } })
    .resize({ width: width * factor, height: height * factor, fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** Text and line size in pixels for a picture. */
function styleFor({ width, height }: Size, detections: number): { text: number; line: number } {
  const wanted = TEXT_AT_640 * (Math.max(width, height) / 640) ** TEXT_GROWTH
  const roomy = Math.max(LEAST_TEXT, Math.min(wanted, Math.min(width, height) * MOST_TEXT_SHARE))
  const text = Math.round(Math.max(LEAST_CROWDED_TEXT, roomy / crowding(detections)))
  return { text, line: Math.max(2, Math.round(text / 6)) }
}

function scaled(detection: Detection, factor: number): Detection {
  if (factor === 1) {
    return detection
  }
  const { box, keypoints, corners } = detection
  const times = <P extends { x: number; y: number }>(p: P): P => ({ ...p, x: p.x * factor, y: p.y * factor })
  return {
    ...detection,
    box: { x1: box.x1 * factor, y1: box.y1 * factor, x2: box.x2 * factor, y2: box.y2 * factor },
    ...(keypoints && { keypoints: keypoints.map(times) }),
    ...(corners && { corners: corners.map(times) }),
  }
}

/** The mask keeps its own pixels, so it is enlarged here, each of its pixels a square. */
function drawMask(canvas: RgbImage, { mask, classId }: Detection, factor: number): void {
  if (mask === undefined) {
    return
  }
  const width = mask.width * factor
  const height = mask.height * factor
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / factor) * mask.width
    for (let x = 0; x < width; x++) {
      data[y * width + x] = mask.data[row + Math.floor(x / factor)] ? 255 : 0
    }
  }
  const at = { left: mask.left * factor, top: mask.top * factor }
  fillStencil(canvas, { width, height, data }, at.left, at.top, classColour(classId), MASK_OPACITY)
}

function drawShape(canvas: RgbImage, { box, corners, classId }: Detection, line: number): void {
  const colour = classColour(classId)
  const edge = Math.max(1, Math.round(line / 3))
  if (corners !== undefined && corners.length > 2) {
    strokePolygon(canvas, corners, line + 2 * edge, OUTLINE, OUTLINE_OPACITY)
    strokePolygon(canvas, corners, line, colour)
    return
  }
  const inside = clip(box, canvas)
  strokeRect(canvas, grown(inside, edge), edge, OUTLINE, OUTLINE_OPACITY)
  const hollow = Math.min(inside.x2 - inside.x1, inside.y2 - inside.y1) > 4 * line
  if (hollow) {
    strokeRect(canvas, grown(inside, -line), edge, OUTLINE, OUTLINE_OPACITY)
  }
  strokeRect(canvas, inside, line, colour)
}

const grown = (box: PixelBox, by: number): PixelBox => ({
  x1: box.x1 - by,
  y1: box.y1 - by,
  x2: box.x2 + by,
  y2: box.y2 + by,
})

function drawKeypoints(canvas: RgbImage, detection: Detection, line: number, least: number): void {
  const colour = classColour(detection.classId)
  for (const point of detection.keypoints ?? []) {
    if (point.score < least) {
      continue
    }
    fillDisc(canvas, point.x, point.y, line * 1.5 + 1, textColour(colour))
    fillDisc(canvas, point.x, point.y, line * 1.5, colour)
  }
}

async function drawLabels(canvas: RgbImage, bestFirst: readonly Detection[], size: number): Promise<void> {
  const wishes = bestFirst.map((detection) => ({ ...detection, box: clip(detection.box, canvas) }))
  const chips = layoutChips(wishes, canvas, size)
  const sheet = await renderGlyphs(
    chips.map((chip) => chip.text),
    size,
  )
  for (let i = chips.length - 1; i >= 0; i--) {
    const chip = chips[i]!
    const colour = classColour(bestFirst[i]!.classId)
    fillRect(canvas, chip.x1, chip.y1, chip.x2, chip.y2, colour)
    drawText(canvas, chip.text, chip.x1 + CHIP_PADDING * size, chip.y1, sheet, textColour(colour))
  }
}

async function encode(
  { data, width, height }: RgbImage,
  format: DrawFormat,
  quality: number,
): Promise<Uint8Array> {
  const edge = Math.max(width, height)
  if (edge > MAX_EDGE[format]) {
    throw new BoxletError(
      'USAGE',
      `Expected at most ${MAX_EDGE[format]} pixels along an edge for ${format} but received ${edge}.`,
      { hint: 'Choose png for the annotated picture.' },
    )
  }
  const sharp = await loadSharp()
  const picture = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
  // Thin coloured lines smear when JPEG halves the colour resolution.
  if (format === 'jpeg') {
    return picture.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer()
  }
  if (format === 'webp') {
    return picture.webp({ quality }).toBuffer()
  }
  return picture.png({ compressionLevel: 6 }).toBuffer()
}
