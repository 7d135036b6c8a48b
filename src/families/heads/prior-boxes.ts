import type { Size } from '../../boxes/box.ts'

/** Sizes of the square priors of each level, in model-input pixels; UltraFace and YuNet share them. */
export const FACE_PRIOR_SIZES = [
  [10, 16, 24],
  [32, 48],
  [64, 96],
  [128, 192, 256],
]
const FACE_STRIDES = [8, 16, 32, 64]

export interface Grid {
  across: number
  down: number
}

/** Priors as fractions of the model input: centre x, centre y, width, height of each, cells in row-major order. */
export function priorBoxes(
  input: Size,
  grids: readonly Grid[],
  strides: readonly number[] = FACE_STRIDES,
  sizes: readonly (readonly number[])[] = FACE_PRIOR_SIZES,
): Float32Array {
  const values: number[] = []
  for (const [level, { across, down }] of grids.entries()) {
    const stride = strides[level]!
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        for (const edge of sizes[level]!) {
          const centreX = ((x + 0.5) * stride) / input.width
          const centreY = ((y + 0.5) * stride) / input.height
          values.push(centreX, centreY, edge / input.width, edge / input.height)
        }
      }
    }
  }
  return Float32Array.from(values)
}

/** Grids of UltraFace: edges rounded up at each stride. */
export const ceiledGrids = (input: Size): Grid[] =>
  FACE_STRIDES.map((stride) => ({
    across: Math.ceil(input.width / stride),
    down: Math.ceil(input.height / stride),
  }))

/** Grids of YuNet 2021: a first halving that rounds up, then halvings that round down. */
export function halvedGrids(input: Size): Grid[] {
  let across = Math.floor(Math.floor((input.width + 1) / 2) / 2)
  let down = Math.floor(Math.floor((input.height + 1) / 2) / 2)
  return FACE_STRIDES.map(() => {
    across = Math.floor(across / 2)
    down = Math.floor(down / 2)
    return { across, down }
  })
}

export const priorCount = (grids: readonly Grid[]): number =>
  grids.reduce((sum, { across, down }, level) => sum + across * down * FACE_PRIOR_SIZES[level]!.length, 0)
