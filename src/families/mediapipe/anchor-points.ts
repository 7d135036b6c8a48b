import type { Size } from '../../boxes/box.ts'

/** Stride and anchors of each grid, fine to coarse. Layers of one stride share a grid, two anchors each. */
export type Grids = readonly (readonly [stride: number, anchors: number])[]

/**
 * Every arrangement of MediaPipe's detectors: two strides (BlazeFace of the short camera, palm and pose at 128 and
 * 192), the same a step coarser (BlazeFace of the back camera at 256), three (palm at 256, pose at 224), and the one
 * grid of the full range.
 */
const ARRANGEMENTS: readonly Grids[] = [
  [
    [8, 2],
    [16, 6],
  ],
  [
    [16, 2],
    [32, 6],
  ],
  [
    [8, 2],
    [16, 2],
    [32, 6],
  ],
  [[4, 1]],
]

const gridOf = ({ width, height }: Size, stride: number) => ({
  across: Math.ceil(width / stride),
  down: Math.ceil(height / stride),
})

/** Anchors of each grid for an input. */
const anchorRows = (input: Size, grids: Grids): number[] =>
  grids.map(([stride, anchors]) => {
    const { across, down } = gridOf(input, stride)
    return across * down * anchors
  })

/** The arrangement with these rows in all, or, with several parts, in each grid in turn. */
export function arrangementOf(input: Size, rows: readonly number[]): Grids | undefined {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return ARRANGEMENTS.find((grids) => {
    const each = anchorRows(input, grids)
    return rows.length === 1 ? sum(each) === rows[0] : String(each) === String(rows)
  })
}

/**
 * x and y of each anchor in model-input pixels: the middle of its cell.
 *
 * source  google/mediapipe `calculators/tflite/ssd_anchors_calculator.cc`, with `fixed_anchor_size`
 */
export function anchorPoints(input: Size, grids: Grids): Float32Array {
  const values: number[] = []
  for (const [stride, anchors] of grids) {
    const { across, down } = gridOf(input, stride)
    for (let cell = 0; cell < across * down; cell++) {
      const x = (((cell % across) + 0.5) / across) * input.width
      const y = ((Math.floor(cell / across) + 0.5) / down) * input.height
      for (let anchor = 0; anchor < anchors; anchor++) {
        values.push(x, y)
      }
    }
  }
  return Float32Array.from(values)
}
