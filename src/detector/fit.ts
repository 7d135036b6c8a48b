import type { Size } from '../boxes/box.ts'
import { type Letterbox, letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract } from '../model/contract.ts'
import { defined } from '../system/defined.ts'

/** Pixels of a model input: 1.5 GB as float32. A thin picture scaled by its short edge would ask for far more. */
const MAX_INPUT_PIXELS = 2 ** 27

/** A decoded picture and its place in the model input. */
export interface PlacedPicture {
  pixels: RgbImage
  letterbox: Letterbox
}

/**
 * @param original size of the upright picture, where `pixels` are a smaller copy of it
 * @throws BoxletError IMAGE_TOO_LARGE
 */
export function place(pixels: RgbImage, contract: Contract, original: Size = pixels): PlacedPicture {
  const { width, height } = original
  return { pixels, letterbox: fitPicture({ width, height }, contract) }
}

/**
 * Where a picture of this size goes in the model input.
 *
 * @throws BoxletError IMAGE_TOO_LARGE when the input would be beyond `MAX_INPUT_PIXELS`
 */
export function fitPicture(image: Size, { input }: Contract): Letterbox {
  const { geometry, size, dynamic } = input
  const placed = letterbox(image, size, {
    fit: geometry.fit,
    align: geometry.align,
    rounding: geometry.rounding,
    ...defined({ longestEdge: geometry.longestEdge }),
    ...(dynamic === undefined ? {} : { stride: dynamic.stride }),
  })
  const pixels = placed.input.width * placed.input.height
  if (pixels <= MAX_INPUT_PIXELS) {
    return placed
  }
  throw new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${MAX_INPUT_PIXELS} pixels for the model input but received a picture that asks for ${pixels}.`,
    {
      hint: 'Send a smaller or less thin picture, or set input.geometry.longestEdge in the contract.',
    },
  )
}
