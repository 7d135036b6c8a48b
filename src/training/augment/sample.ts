import type { RgbImage } from '../../image/rgb-image.ts'
import { placeFour } from './mosaic.ts'
import { type Labelled, moveBoxes } from './move-boxes.ts'
import { type Augmentation, type PictureSize, type Placement, placeOne } from './placement.ts'
import { type Channels, fillGrey, render } from './render.ts'

export interface SampleFormat {
  /** Edge of the square input. */
  size: number
  channels: Channels
  /** Red, green, blue of the padding. */
  grey: readonly [number, number, number]
}

/** Decides how a picture, or four, are shown this time. */
export function place(
  picture: number,
  sizes: readonly PictureSize[],
  size: number,
  change: Augmentation,
  random: () => number,
): Placement[] {
  return change.mosaic > 0 && random() < change.mosaic
    ? placeFour(picture, sizes, size, change, random)
    : [placeOne(picture, sizes[picture]!, size, change, random)]
}

/**
 * Draws one input.
 *
 * @param planes float32 [3, size, size], all of it written
 * @param pictures pixels and objects of each placement
 * @returns the objects in it, in pixels of the input
 */
export function drawSample(
  planes: Float32Array,
  placements: readonly Placement[],
  pictures: readonly { image: RgbImage; objects: readonly Labelled[] }[],
  { size, channels, grey }: SampleFormat,
): Labelled[] {
  fillGrey(planes, size, grey, channels)
  return placements.flatMap((placement, at) => {
    const { image, objects } = pictures[at]!
    render(planes, size, image, placement, channels)
    return moveBoxes(objects, placement, image)
  })
}
