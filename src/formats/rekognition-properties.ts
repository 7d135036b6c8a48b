import type { PixelBox } from '../boxes/box.ts'
import { dominantColours, type Pixels } from './rekognition-colours.ts'
import type { DominantColor, ImageProperties, Quality } from './rekognition-schema.ts'

/** Mean absolute Laplacian, on 0–255 luminance, of a picture as sharp as a test chart at this size. */
const SHARPEST = 40

type Counts = (index: number) => boolean

/**
 * Colours and quality of a picture, of what lies inside the boxes (foreground) and of the rest.
 *
 * @param pixels the picture, reduced; a copy of 256 pixels an edge gives the same colours as the whole
 * @param boxes in pixels of that copy
 */
export function imageProperties(
  pixels: Pixels,
  boxes: readonly PixelBox[],
  mostColours: number,
): ImageProperties {
  const inside = coverage(pixels, boxes)
  const luminance = luminanceOf(pixels)
  const part = (counts?: Counts) => ({
    Quality: quality(luminance, pixels, counts),
    DominantColors: dominantColours(pixels, mostColours, counts),
  })
  return {
    ...part(),
    Foreground: part((index) => inside[index] === 1),
    Background: part((index) => inside[index] === 0),
  }
}

/** Colours inside one box. */
export function coloursInside(pixels: Pixels, box: PixelBox, most: number): DominantColor[] {
  const inside = coverage(pixels, [box])
  return dominantColours(pixels, most, (index) => inside[index] === 1)
}

function coverage({ width, height }: Pixels, boxes: readonly PixelBox[]): Uint8Array {
  const inside = new Uint8Array(width * height)
  for (const box of boxes) {
    const left = Math.max(0, Math.floor(box.x1))
    const right = Math.min(width, Math.ceil(box.x2))
    for (let y = Math.max(0, Math.floor(box.y1)); y < Math.min(height, Math.ceil(box.y2)); y++) {
      inside.fill(1, y * width + left, y * width + right)
    }
  }
  return inside
}

/** Rec. 601 luma, 0–255. */
function luminanceOf({ width, height, data }: Pixels): Float32Array {
  const luminance = new Float32Array(width * height)
  for (let i = 0; i < luminance.length; i++) {
    luminance[i] = 0.299 * data[i * 3]! + 0.587 * data[i * 3 + 1]! + 0.114 * data[i * 3 + 2]!
  }
  return luminance
}

/**
 * Brightness: mean luminance. Contrast: standard deviation of luminance, of the largest possible (half the
 * range). Sharpness: mean absolute Laplacian, of the value of a test chart.
 */
function quality(luminance: Float32Array, { width, height }: Pixels, counts: Counts = () => true): Quality {
  let count = 0
  let sum = 0
  let squares = 0
  let edges = 0
  let inner = 0
  for (let i = 0; i < luminance.length; i++) {
    if (!counts(i)) {
      continue
    }
    const value = luminance[i]!
    count++
    sum += value
    squares += value * value
    const x = i % width
    if (x === 0 || x === width - 1 || i < width || i >= width * (height - 1)) {
      continue
    }
    inner++
    edges += Math.abs(
      4 * value - luminance[i - 1]! - luminance[i + 1]! - luminance[i - width]! - luminance[i + width]!,
    )
  }
  if (count === 0) {
    return { Brightness: 0, Sharpness: 0, Contrast: 0 }
  }
  const mean = sum / count
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean))
  return {
    Brightness: (mean / 255) * 100,
    Sharpness: Math.min(100, inner === 0 ? 0 : (edges / inner / SHARPEST) * 100),
    Contrast: Math.min(100, (deviation / 127.5) * 100),
  }
}
