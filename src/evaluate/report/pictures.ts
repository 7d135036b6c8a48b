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
): Promise<string | undefined> {
  const data = await reducedJpeg(picture)
  if (data === undefined) {
    return undefined
  }
  const { width, height } = size
  // Labels keep a fixed share of the width, so that they are readable on a phone whatever the picture's size.
  const text = width / 34
  const shapes = boxes.map((box) => shape(box, text, size)).join('')
  return `<svg class="picture" viewBox="0 0 ${width} ${height}" role="img"><image href="data:image/jpeg;base64,${data}" width="${width}" height="${height}" preserveAspectRatio="none"/>${shapes}</svg>`
}

async function reducedJpeg(source: string | RgbImage): Promise<string | undefined> {
  const sharp = await loadSharp()
  try {
    const { width, height } = typeof source === 'string' ? { width: 0, height: 0 } : source
    const opened =
      typeof source === 'string'
        ? sharp(source, { failOn: 'none' }).autoOrient()
        : sharp(source.data, { raw: { width, height, channels: 3 } })
    const picture = opened.resize({ width: WIDTH, withoutEnlargement: true })
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
  const rectangle = `<rect class="${box.style}" ${place}><title>${TITLES[box.style]}: ${caption}</title></rect>`
  if (box.style === 'truth' || box.style === 'crowd') {
    return rectangle
  }
  const x = Math.max(0, Math.min(box.x, size.width - text * caption.length * 0.5))
  const y = box.y > text * 1.2 ? box.y - text * 0.25 : Math.min(size.height, box.y + text)
  return `${rectangle}<text class="${box.style}" x="${short(x)}" y="${short(y)}" font-size="${short(text)}">${caption}</text>`
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
