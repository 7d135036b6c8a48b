import type { Size } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'
import { fromTile, MAX_TILES, type Tile, tileCount, tiles } from '../boxes/slice.ts'
import { BoxletError } from '../errors.ts'
import { SLICE_OPTIONS, type SliceOptions } from './options.ts'
import type { RgbImage } from './types.ts'

/** Edge and overlap of the tiles, with the defaults for what is not given. */
export function sliceOptions(slice: true | SliceOptions, input: Size): Required<SliceOptions> {
  const given = slice === true ? {} : slice
  return {
    size: given.size ?? Math.max(input.width, input.height),
    overlap: given.overlap ?? SLICE_OPTIONS.overlap.default,
  }
}

/** The pixels of one tile, as a picture of its own. */
export function crop(image: RgbImage, tile: Tile): RgbImage {
  const data = new Uint8Array(tile.width * tile.height * 3)
  for (let y = 0; y < tile.height; y++) {
    const from = ((tile.top + y) * image.width + tile.left) * 3
    data.set(image.data.subarray(from, from + tile.width * 3), y * tile.width * 3)
  }
  return { width: tile.width, height: tile.height, data }
}

/** A detection of a tile in the frame of the whole picture. */
export function moved(detection: Detection, tile: Tile): Detection {
  const { left, top } = tile
  const { mask, keypoints, corners } = detection
  return {
    ...detection,
    box: fromTile(detection.box, tile),
    ...(mask && { mask: { ...mask, left: mask.left + left, top: mask.top + top } }),
    ...(keypoints && {
      keypoints: keypoints.map((point) => ({ ...point, x: point.x + left, y: point.y + top })),
    }),
    ...(corners && { corners: corners.map(({ x, y }) => ({ x: x + left, y: y + top })) }),
  }
}

/** @throws BoxletError USAGE when there would be more tiles than one call may take */
export function placesOf(image: Size, { size, overlap }: Required<SliceOptions>): Tile[] {
  const count = tileCount(image, size, overlap)
  if (count <= MAX_TILES) {
    return tiles(image, size, overlap)
  }
  throw new BoxletError(
    'USAGE',
    `Expected at most ${MAX_TILES} tiles for a picture but received options for ${count}.`,
    {
      hint: 'Choose larger tiles or a smaller overlap.',
    },
  )
}
