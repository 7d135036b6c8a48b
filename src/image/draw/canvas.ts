import type { RgbImage } from '../rgb-image.ts'
import type { Rgb } from './colours.ts'

/**
 * The few shapes that detections are drawn with, straight into RGB pixels: no second picture of the same size
 * is needed, so a 100-megapixel photograph costs no more memory than itself. Coordinates are pixels, with (0, 0)
 * the outer corner of the first pixel; shapes are cut at the edges.
 */

/** Lays a colour over one pixel; `opacity` 0–1. */
function blend(data: Uint8Array, at: number, [red, green, blue]: Rgb, opacity: number): void {
  data[at] = data[at]! + (red - data[at]!) * opacity + 0.5
  data[at + 1] = data[at + 1]! + (green - data[at + 1]!) * opacity + 0.5
  data[at + 2] = data[at + 2]! + (blue - data[at + 2]!) * opacity + 0.5
}

/** Fills whole pixels from (x1, y1) up to, not including, (x2, y2). */
export function fillRect(
  image: RgbImage,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Rgb,
  opacity = 1,
): void {
  const left = Math.max(0, Math.round(x1))
  const right = Math.min(image.width, Math.round(x2))
  const bottom = Math.min(image.height, Math.round(y2))
  for (let y = Math.max(0, Math.round(y1)); y < bottom; y++) {
    for (let x = left, at = (y * image.width + left) * 3; x < right; x++, at += 3) {
      blend(image.data, at, colour, opacity)
    }
  }
}

/** A straight stroke with round ends and smooth edges. */
function strokeLine(
  image: RgbImage,
  from: { x: number; y: number },
  to: { x: number; y: number },
  width: number,
  colour: Rgb,
  opacity = 1,
): void {
  const reach = width / 2 + 0.5
  const dx = to.x - from.x
  const dy = to.y - from.y
  const lengthSquared = dx * dx + dy * dy
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach))
  const bottom = Math.min(image.height - 1, Math.ceil(Math.max(from.y, to.y) + reach))
  for (let y = top; y <= bottom; y++) {
    const [left, right] = rowSpan(from, to, y + 0.5, reach)
    const first = Math.max(0, Math.floor(left))
    const last = Math.min(image.width - 1, Math.ceil(right))
    for (let x = first; x <= last; x++) {
      const px = x + 0.5 - from.x
      const py = y + 0.5 - from.y
      const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared))
      const cover = reach - Math.hypot(px - along * dx, py - along * dy)
      if (cover > 0) {
        blend(image.data, (y * image.width + x) * 3, colour, Math.min(1, cover) * opacity)
      }
    }
  }
}

/** Columns that a stroke can touch in one row: long slanted lines would else visit their whole bounding box. */
function rowSpan(
  from: { x: number; y: number },
  to: { x: number; y: number },
  y: number,
  reach: number,
): [number, number] {
  const dy = to.y - from.y
  const low = Math.min(from.x, to.x) - reach
  const high = Math.max(from.x, to.x) + reach
  if (Math.abs(dy) < 1e-6) {
    return [low, high]
  }
  const slope = (to.x - from.x) / dy
  const centre = from.x + (y - from.y) * slope
  const half = reach * Math.hypot(1, slope) + 1
  return [Math.max(low, centre - half), Math.min(high, centre + half)]
}

/** The outline of a polygon, closed. */
export function strokePolygon(
  image: RgbImage,
  corners: readonly { x: number; y: number }[],
  width: number,
  colour: Rgb,
  opacity = 1,
): void {
  corners.forEach((corner, i) => {
    strokeLine(image, corner, corners[(i + 1) % corners.length]!, width, colour, opacity)
  })
}

/** The outline of an upright box, drawn inwards so that it stays inside the picture. */
export function strokeRect(
  image: RgbImage,
  box: { x1: number; y1: number; x2: number; y2: number },
  width: number,
  colour: Rgb,
  opacity = 1,
): void {
  const x1 = Math.round(box.x1)
  const y1 = Math.round(box.y1)
  const x2 = Math.max(x1 + 1, Math.round(box.x2))
  const y2 = Math.max(y1 + 1, Math.round(box.y2))
  const across = Math.min(width, Math.ceil((x2 - x1) / 2))
  const down = Math.min(width, Math.ceil((y2 - y1) / 2))
  fillRect(image, x1, y1, x2, y1 + down, colour, opacity)
  fillRect(image, x1, y2 - down, x2, y2, colour, opacity)
  fillRect(image, x1, y1 + down, x1 + across, y2 - down, colour, opacity)
  fillRect(image, x2 - across, y1 + down, x2, y2 - down, colour, opacity)
}

export function fillDisc(image: RgbImage, x: number, y: number, radius: number, colour: Rgb): void {
  strokeLine(image, { x, y }, { x, y }, radius * 2, colour)
}

/** One byte a pixel, 0–255 opaque, laid with its upper left corner at whole pixels (left, top). */
export interface Stencil {
  width: number
  height: number
  data: Uint8Array
}

export function fillStencil(
  image: RgbImage,
  stencil: Stencil,
  left: number,
  top: number,
  colour: Rgb,
  opacity = 1,
): void {
  const firstX = Math.max(0, -left)
  const lastX = Math.min(stencil.width, image.width - left)
  const lastY = Math.min(stencil.height, image.height - top)
  for (let y = Math.max(0, -top); y < lastY; y++) {
    for (let x = firstX; x < lastX; x++) {
      const cover = stencil.data[y * stencil.width + x]!
      if (cover === 0) {
        continue
      }
      blend(image.data, ((top + y) * image.width + left + x) * 3, colour, (cover / 255) * opacity)
    }
  }
}
