import type { PixelBox } from '../../boxes/box.ts'
import type { Grid } from './grid.ts'

/** Cells around the middle of an object that may predict it, in strides; YOLOX writes 2.5. */
const RADIUS = 2.5
/** What a cell costs that lies only in the object or only around its middle. */
const OFF_CENTRE = 1e5
/** A cell that must not predict the object: no cost that can be paid. */
export const FORBIDDEN = 1e9

/**
 * Which cells may predict which object, as costs: nothing where the cell's middle lies both inside the object and
 * near its middle, much where only one holds, `FORBIDDEN` elsewhere. Depends on the boxes alone, not on what the
 * network says.
 *
 * source  Ge, Liu, Wang, Li, Sun: YOLOX: Exceeding YOLO Series in 2021 (2021), section 2.1 "SimOTA" and its code
 *
 * @param boxes in pixels of the network input
 * @returns a row of `grid.cells` for each box
 */
export function centrePrior(boxes: readonly PixelBox[], grid: Grid): Float32Array {
  const prior = new Float32Array(boxes.length * grid.cells).fill(FORBIDDEN)
  boxes.forEach((box, at) => {
    const row = prior.subarray(at * grid.cells, (at + 1) * grid.cells)
    if (box.x2 > box.x1 && box.y2 > box.y1) {
      fillRow(row, box, grid)
    }
  })
  return prior
}

function fillRow(row: Float32Array, box: PixelBox, { levels }: Grid): void {
  const middleX = (box.x1 + box.x2) / 2
  const middleY = (box.y1 + box.y2) / 2
  let first = 0
  for (const { width, height, stride } of levels) {
    const reach = RADIUS * stride
    // Cells beyond both the box and the surroundings of its middle stay forbidden and are not looked at.
    const left = Math.max(0, Math.floor(Math.min(box.x1, middleX - reach) / stride - 0.5))
    const right = Math.min(width - 1, Math.ceil(Math.max(box.x2, middleX + reach) / stride))
    const top = Math.max(0, Math.floor(Math.min(box.y1, middleY - reach) / stride - 0.5))
    const bottom = Math.min(height - 1, Math.ceil(Math.max(box.y2, middleY + reach) / stride))
    for (let y = top; y <= bottom; y++) {
      const py = (y + 0.5) * stride
      for (let x = left; x <= right; x++) {
        const px = (x + 0.5) * stride
        const isInside = px > box.x1 && px < box.x2 && py > box.y1 && py < box.y2
        const isNear = Math.abs(px - middleX) < reach && Math.abs(py - middleY) < reach
        if (isInside || isNear) {
          row[first + y * width + x] = isInside && isNear ? 0 : OFF_CENTRE
        }
      }
    }
    first += width * height
  }
}
