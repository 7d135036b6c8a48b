import { loadSharp } from '../../image/decode/load-sharp.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import { escapeText } from './escape.ts'

export type BoxStyle = 'hit' | 'false' | 'missed' | 'truth' | 'crowd' | 'a' | 'b'

export interface DrawnBox {
  style: BoxStyle
  label: string
  score?: number
  x: number
  y: number
  width: number
  height: number
  /** One more class of the shapes, for style rules. */
  mark?: string
}

/** Enough to see what a box is on, small enough for a page of dozens. */
const WIDTH = 560
const QUALITY = 68

/**
 * A picture with boxes as one SVG element: a reduced JPEG inside, and boxes and labels as shapes over it, sharp
 * at any size and readable by pointing at them. Undefined when the file cannot be read.
 *
 * @param picture path of a file, or pixels
 */
export async function pictureWithBoxes(
  picture: string | RgbImage,
  size: { width: number; height: number },
  boxes: readonly DrawnBox[],
  { width: reduced = WIDTH, caption = 'Picture with boxes' }: { width?: number; caption?: string } = {},
): Promise<string | undefined> {
  const data = await reducedJpeg(picture, reduced)
  if (data === undefined) {
    return undefined
  }
  const { width, height } = size
  // Labels keep a fixed share of the width, so that they are readable on a phone whatever the picture's size.
  const text = width / 34
  const shapes = boxes.map((box) => shape(box, text, size)).join('')
  return `<svg class="picture" style="--size:${short(text)}px" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(caption)}"><image href="data:image/jpeg;base64,${data}" width="${width}" height="${height}" preserveAspectRatio="none"/>${shapes}</svg>`
}

async function reducedJpeg(source: string | RgbImage, reduced: number): Promise<string | undefined> {
  const sharp = await loadSharp()
  try {
    const { width, height } = typeof source === 'string' ? { width: 0, height: 0 } : source
    const opened =
      typeof source === 'string'
        ? sharp(source, { failOn: 'none' }).autoOrient()
        : sharp(source.data, { raw: { width, height, channels: 3 } })
    const picture = opened.resize({ width: reduced, withoutEnlargement: true })
    const bytes = await picture.flatten({ background: '#fff' }).jpeg({ quality: QUALITY }).toBuffer()
    return bytes.toString('base64')
  } catch {
    return undefined
  }
}

function shape(box: DrawnBox, text: number, size: { width: number; height: number }): string {
  const score = box.score === undefined ? '' : ` ${box.score.toFixed(2)}`
  const caption = escapeText(`${box.label}${score}`)
  const place = `x="${short(box.x)}" y="${short(box.y)}" width="${short(box.width)}" height="${short(box.height)}"`
  const style = box.mark === undefined ? box.style : `${box.style} ${box.mark}`
  const rectangle = `<rect class="${style}" ${place}><title>${TITLES[box.style]}: ${caption}</title></rect>`
  if (box.style === 'truth' || box.style === 'crowd') {
    return rectangle
  }
  const x = Math.max(0, Math.min(box.x, size.width - text * caption.length * 0.5))
  const y = box.y > text * 1.2 ? box.y - text * 0.25 : Math.min(size.height, box.y + text)
  return `${rectangle}<text class="${style}" x="${short(x)}" y="${short(y)}" font-size="${short(text)}">${caption}</text>`
}

const short = (value: number): string => String(Math.round(value * 10) / 10)

const TITLES: Record<BoxStyle, string> = {
  hit: 'found',
  false: 'false detection',
  missed: 'missed',
  truth: 'object',
  crowd: 'crowd',
  a: 'only the first',
  b: 'only the second',
}
