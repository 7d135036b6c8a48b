import { MAX_ANCHORS, tooLarge } from '../limits.ts'
import type { Module } from '../module.ts'
import type { Network, Value } from '../network/network.ts'
import type { ImageSize } from './head.ts'

/** The cells of all levels as constants. */
export interface Grid {
  cells: number
  /** Centres in cells of their own level, [1, 2, cells]. */
  centres: Value
  /** Pixels of a cell, [1, 1, cells]. */
  strides: Value
  /** The same, one number a level. */
  levels: number[]
}

/**
 * Cells of the given maps, row by row.
 *
 * @throws BoxletError MODEL_UNSUPPORTED when a map is not as many cells as the stride in the file says
 */
export function gridOf(
  net: Network,
  maps: readonly Value[],
  module: Module,
  { height, width }: ImageSize,
): Grid {
  const stated = module.tensor('stride').values()
  const levels = maps.map(({ shape }, level) => {
    const stride = height / shape[2]!
    if (stride !== width / shape[3]! || stride !== stated[level]) {
      throw module.unknown(
        `cells of ${stated[level]} pixels at level ${level}`,
        `${shape[3]} by ${shape[2]} cells for ${width} by ${height} pixels`,
      )
    }
    return stride
  })
  if (stated.length !== maps.length) {
    throw module.unknown(`${stated.length} levels`, `${maps.length}`)
  }
  const cells = maps.reduce((sum, { shape }) => sum + shape[2]! * shape[3]!, 0)
  if (cells > MAX_ANCHORS) {
    throw tooLarge('rows of the head', MAX_ANCHORS, cells)
  }
  const sizes = maps.map(({ shape }) => [shape[2]!, shape[3]!] as const)
  return {
    cells,
    levels,
    centres: net.weight([1, 2, cells], () => centresOf(sizes, cells)),
    strides: net.weight([1, 1, cells], () => {
      const values = new Float32Array(cells)
      let at = 0
      for (const [level, [rows, columns]] of sizes.entries()) {
        values.fill(levels[level]!, at, at + rows * columns)
        at += rows * columns
      }
      return values
    }),
  }
}

function centresOf(sizes: readonly (readonly [number, number])[], cells: number): Float32Array {
  const values = new Float32Array(2 * cells)
  let at = 0
  for (const [rows, columns] of sizes) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        values[at] = column + 0.5
        values[cells + at] = row + 0.5
      }
    }
  }
  return values
}
