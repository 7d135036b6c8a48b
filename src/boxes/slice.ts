import type { PixelBox, Size } from './box.ts'

/** A part of the picture in whole pixels. */
export interface Tile {
  left: number
  top: number
  width: number
  height: number
}

/** Each tile is a run: a picture that asks for more would hold the model for minutes. */
export const MAX_TILES = 2_000

/** How many tiles there would be, without making them. */
export const tileCount = (image: Size, size: number, overlap: number): number =>
  startCount(image.width, size, overlap) * startCount(image.height, size, overlap)

const stepOf = (size: number, overlap: number): number => Math.max(1, Math.floor(size * (1 - overlap)))

const startCount = (edge: number, size: number, overlap: number): number =>
  edge <= size ? 1 : Math.ceil((edge - size) / stepOf(size, overlap)) + 1

/**
 * Cuts a picture into tiles of one size that cover every pixel. The last tile of a row or column is moved
 * back inside, so every tile is whole and no strip is thinner than the rest.
 *
 * @param size edge of a tile in pixels
 * @param overlap share of a tile in common with its neighbour, 0–0.9
 * source  SAHI `get_slice_bboxes`
 */
export function tiles(image: Size, size: number, overlap: number): Tile[] {
  const width = Math.min(size, image.width)
  const height = Math.min(size, image.height)
  const lefts = starts(image.width, width, overlap)
  return starts(image.height, height, overlap).flatMap((top) =>
    lefts.map((left) => ({ left, top, width, height })),
  )
}

function starts(edge: number, size: number, overlap: number): number[] {
  const step = stepOf(size, overlap)
  const found: number[] = []
  for (let at = 0; at + size < edge; at += step) {
    found.push(at)
  }
  found.push(edge - size)
  return found
}

/** Moves a box of a tile into the whole picture. */
export const fromTile = (box: PixelBox, tile: Tile): PixelBox => ({
  x1: box.x1 + tile.left,
  y1: box.y1 + tile.top,
  x2: box.x2 + tile.left,
  y2: box.y2 + tile.top,
})
