import type { PixelBox } from '../../boxes/box.ts'
import { type Colour, PLAIN, randomColour } from './colour.ts'
import { between } from './random.ts'

/** Where and how one picture is drawn into the input: x′ = x · scale + offset, mirrored first where asked. */
export interface Placement {
  /** Index of the picture. */
  picture: number
  scale: number
  offsetX: number
  offsetY: number
  isMirrored: boolean
  colour: Colour
  /** Pixels of the input that may be drawn. */
  window: PixelBox
}

export interface PictureSize {
  width: number
  height: number
}

/** How far pictures may be changed. */
export interface Augmentation {
  /** Size of the picture beside the one that just fits. */
  zoom: readonly [low: number, high: number]
  /** Off where left and right, or writing, tell classes apart. */
  mirror: boolean
  colour: boolean
  /** Share of inputs made of four pictures. */
  mosaic: number
}

/** Share of the input by which a picture may lie beyond its edges. */
const OVERHANG = 0.1

/**
 * One picture, scaled, shifted, mirrored and recoloured. It may stick out of the input a little, as objects do at the
 * edges of photos.
 *
 * source  Liu et al.: SSD (2016), section 2.2 "Data augmentation", for scale and shift as the changes that count
 */
export function placeOne(
  picture: number,
  { width, height }: PictureSize,
  size: number,
  change: Augmentation,
  random: () => number,
): Placement {
  const fitting = Math.min(size / width, size / height)
  const scale = fitting * between(random, ...change.zoom)
  const shift = (shown: number) => {
    const room = size - shown
    // A narrow picture would otherwise be gone.
    const over = Math.min(OVERHANG * size, shown / 2)
    return between(random, Math.min(0, room) - over, Math.max(0, room) + over)
  }
  return {
    picture,
    scale,
    offsetX: shift(width * scale),
    offsetY: shift(height * scale),
    isMirrored: change.mirror && random() < 0.5,
    colour: change.colour ? randomColour(random) : PLAIN,
    window: { x1: 0, y1: 0, x2: size, y2: size },
  }
}
