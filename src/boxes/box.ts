/** Box types. The frame and the unit are part of the type; no bare four-number arrays travel. */

/** Width and height in pixels. */
export interface Size {
  width: number
  height: number
}

/**
 * Corners in pixels, x2 ≥ x1 and y2 ≥ y1. Unless a name says otherwise the frame is the upright
 * original picture, with (0, 0) the outer corner of the first pixel and (width, height) that of the last.
 */
export interface PixelBox {
  x1: number
  y1: number
  x2: number
  y2: number
}

/** Fractions 0–1 of the upright original picture, the form that Rekognition sends. */
export interface RatioBox {
  left: number
  top: number
  width: number
  height: number
}

export const area = (box: PixelBox): number => Math.max(0, box.x2 - box.x1) * Math.max(0, box.y2 - box.y1)

export const toRatio = (box: PixelBox, image: Size): RatioBox => ({
  left: box.x1 / image.width,
  top: box.y1 / image.height,
  width: (box.x2 - box.x1) / image.width,
  height: (box.y2 - box.y1) / image.height,
})

export const fromRatio = (box: RatioBox, image: Size): PixelBox => ({
  x1: box.left * image.width,
  y1: box.top * image.height,
  x2: (box.left + box.width) * image.width,
  y2: (box.top + box.height) * image.height,
})

/** Cuts the box to the picture. A box wholly outside becomes one of zero area on the edge. */
export const clip = (box: PixelBox, image: Size): PixelBox => ({
  x1: clamp(box.x1, image.width),
  y1: clamp(box.y1, image.height),
  x2: clamp(box.x2, image.width),
  y2: clamp(box.y2, image.height),
})

const clamp = (value: number, high: number): number => Math.min(Math.max(value, 0), high)
