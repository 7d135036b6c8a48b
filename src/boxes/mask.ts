import type { PixelBox } from './box.ts'
import type { Candidates, Mask } from './detection.ts'
import type { Letterbox } from './letterbox.ts'

/** A mask covers at most this many pixels: a box over a whole 100-megapixel picture would take 100 MB. */
const MAX_MASK_PIXELS = 16 * 2 ** 20

/**
 * The pixels of one object: coefficients times prototypes gives a logit for each cell of the prototype grid;
 * the grid is read bilinearly at each picture pixel of the box, and a positive logit belongs to the object.
 *
 * @param row row of the candidate
 * @param box the box in the picture, already cut to it
 * @returns undefined for a box without pixels or one beyond `MAX_MASK_PIXELS`
 * source  Ultralytics `process_mask` with `upsample`; sampling logits, not probabilities, keeps edges straight
 */
export function objectMask(
  masks: NonNullable<Candidates['masks']>,
  row: number,
  box: PixelBox,
  at: Letterbox,
): Mask | undefined {
  const left = Math.floor(box.x1)
  const top = Math.floor(box.y1)
  const width = Math.ceil(box.x2) - left
  const height = Math.ceil(box.y2) - top
  if (width <= 0 || height <= 0 || width * height > MAX_MASK_PIXELS) {
    return undefined
  }
  const logits = weigh(masks, row)
  const data = new Uint8Array(width * height)
  const columns = axis(left, width, at.scaleX, at.padX, at.input.width, masks.width)
  const rows = axis(top, height, at.scaleY, at.padY, at.input.height, masks.height)
  for (let y = 0; y < height; y++) {
    const upper = rows.low[y]! * masks.width
    const lower = rows.high[y]! * masks.width
    const fy = rows.share[y]!
    for (let x = 0; x < width; x++) {
      const a = columns.low[x]!
      const b = columns.high[x]!
      const fx = columns.share[x]!
      const above = logits[upper + a]! * (1 - fx) + logits[upper + b]! * fx
      const below = logits[lower + a]! * (1 - fx) + logits[lower + b]! * fx
      if (above * (1 - fy) + below * fy > 0) {
        data[y * width + x] = 1
      }
    }
  }
  return { left, top, width, height, data }
}

function weigh(masks: NonNullable<Candidates['masks']>, row: number): Float32Array {
  const cells = masks.width * masks.height
  const logits = new Float32Array(cells)
  for (let k = 0; k < masks.perCandidate; k++) {
    const weight = masks.coefficients[row * masks.perCandidate + k]!
    const from = k * cells
    for (let cell = 0; cell < cells; cell++) {
      logits[cell]! += weight * masks.prototypes[from + cell]!
    }
  }
  return logits
}

/** For each picture pixel along one axis, the two grid cells that it lies between and its share of the second. */
function axis(start: number, count: number, scale: number, pad: number, input: number, cells: number) {
  const low = new Int32Array(count)
  const high = new Int32Array(count)
  const share = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const inInput = (start + i + 0.5) * scale + pad
    const cell = Math.min(Math.max((inInput * cells) / input - 0.5, 0), cells - 1)
    low[i] = Math.floor(cell)
    high[i] = Math.min(low[i]! + 1, cells - 1)
    share[i] = cell - low[i]!
  }
  return { low, high, share }
}
