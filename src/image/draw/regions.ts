/** Parts of a picture by themselves, or made unrecognisable in it. */
import { clip, type PixelBox } from '../../boxes/box.ts'
import { loadSharp } from '../decode/load-sharp.ts'
import type { RgbImage } from '../rgb-image.ts'

/** Samples along the longer edge that are left of a hidden region: no face or plate can be read from them. */
const SAMPLES = 8
/** A detector may cut hair and chins off. Share of the box that is hidden around it, on each side. */
const MARGIN = 0.08
const JPEG_QUALITY = 90

interface Region {
  left: number
  top: number
  width: number
  height: number
}

/** Whole pixels that the box touches inside the picture; undefined where there are none. */
function regionOf(box: PixelBox, { width, height }: RgbImage, margin = 0): Region | undefined {
  const [dx, dy] = [(box.x2 - box.x1) * margin, (box.y2 - box.y1) * margin]
  const wide = { x1: box.x1 - dx, y1: box.y1 - dy, x2: box.x2 + dx, y2: box.y2 + dy }
  const inside = clip(wide, { width, height })
  const [left, top] = [Math.floor(inside.x1), Math.floor(inside.y1)]
  const region = { left, top, width: Math.ceil(inside.x2) - left, height: Math.ceil(inside.y2) - top }
  return region.width > 0 && region.height > 0 ? region : undefined
}

const raw = ({ width, height }: RgbImage) => ({ raw: { width, height, channels: 3 as const } })

/**
 * Hides what is in the boxes. Few samples of each are left and spread over it, so that nothing can be brought back.
 *
 * @param boxes pixels of the picture
 * @returns new pixels; those of the caller are not changed
 */
export async function hideRegions(image: RgbImage, boxes: readonly PixelBox[]): Promise<RgbImage> {
  const sharp = await loadSharp()
  const hidden = { ...image, data: new Uint8Array(image.data) }
  for (const box of boxes) {
    const region = regionOf(box, image, MARGIN)
    if (region === undefined) {
      continue
    }
    const scale = SAMPLES / Math.max(region.width, region.height)
    const [width, height] = [region.width, region.height].map((edge) => Math.max(1, Math.round(edge * scale)))
    const few = await sharp(image.data, raw(image))
      .extract(region)
      .resize({ width: width!, height: height!, fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer()
    const spread = await sharp(few, { raw: { width: width!, height: height!, channels: 3 } })
      .resize({ width: region.width, height: region.height, fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer()
    const row = region.width * 3
    for (let y = 0; y < region.height; y++) {
      const at = ((region.top + y) * image.width + region.left) * 3
      hidden.data.set(spread.subarray(y * row, (y + 1) * row), at)
    }
  }
  return hidden
}

/** What is in the box as a JPEG; undefined for a box without a pixel of the picture. */
export async function cropRegion(image: RgbImage, box: PixelBox): Promise<Uint8Array | undefined> {
  const region = regionOf(box, image)
  if (region === undefined) {
    return undefined
  }
  const sharp = await loadSharp()
  return sharp(image.data, raw(image)).extract(region).jpeg({ quality: JPEG_QUALITY }).toBuffer()
}

export async function encodeJpeg(image: RgbImage): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp(image.data, raw(image)).jpeg({ quality: JPEG_QUALITY }).toBuffer()
}
