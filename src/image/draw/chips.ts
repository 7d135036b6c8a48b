import type { PixelBox, Size } from '../../boxes/box.ts'
import { drawableText, lineHeight, textWidth } from './text.ts'

/** Where the labels stand: near their boxes, inside the picture, and clear of one another while there is room. */

export interface Chip extends PixelBox {
  text: string
}

export interface ChipWish {
  box: PixelBox
  label: string
  classId: number
  score: number
}

/** Pixels of colour left and right of the text, as a share of its size. */
export const CHIP_PADDING = 0.35

/**
 * Lays out chips in the order given, best first: above the box, inside its top, below, inside its bottom, each
 * at the left and the right edge; the first place free of earlier chips is taken, else the freest.
 */
export function layoutChips(wishes: readonly ChipWish[], picture: Size, size: number): Chip[] {
  const height = Math.min(lineHeight(size), picture.height)
  const placed: Chip[] = []
  for (const wish of wishes) {
    const text = fitText(wish, picture.width - 2 * CHIP_PADDING * size, size)
    const width = Math.min(picture.width, Math.ceil(textWidth(text, size) + 2 * CHIP_PADDING * size))
    placed.push({ ...bestPlace(wish.box, { width, height }, picture, placed), text })
  }
  return placed
}

/** Label and score; then the label cut short; then the score or the label's start alone. */
export function fitText(
  wish: Pick<ChipWish, 'label' | 'classId' | 'score'>,
  room: number,
  size: number,
): string {
  const label = drawableText(wish.label) || `#${wish.classId}`
  const score = wish.score.toFixed(2)
  const whole = `${label} ${score}`
  if (textWidth(whole, size) <= room) {
    return whole
  }
  const letters = [...label]
  for (let keep = letters.length - 1; keep >= 3; keep--) {
    const cut = `${letters.slice(0, keep).join('').trimEnd()}… ${score}`
    if (textWidth(cut, size) <= room) {
      return cut
    }
  }
  for (let keep = letters.length; keep >= 1; keep--) {
    const cut = keep === letters.length ? label : `${letters.slice(0, keep).join('')}…`
    if (textWidth(cut, size) <= room) {
      return cut
    }
  }
  return ''
}

function bestPlace(box: PixelBox, chip: Size, picture: Size, placed: readonly PixelBox[]): PixelBox {
  let best: PixelBox | undefined
  let leastOverlap = Number.POSITIVE_INFINITY
  for (const candidate of places(box, chip, picture)) {
    const overlap = placed.reduce((sum, other) => sum + overlapArea(candidate, other), 0)
    if (overlap === 0) {
      return candidate
    }
    if (overlap < leastOverlap) {
      best = candidate
      leastOverlap = overlap
    }
  }
  return best!
}

function* places(box: PixelBox, chip: Size, picture: Size): Generator<PixelBox> {
  const tops = [box.y1 - chip.height, box.y1, box.y2, box.y2 - chip.height]
  for (const left of [box.x1, box.x2 - chip.width]) {
    const x1 = within(left, picture.width - chip.width)
    for (const top of tops) {
      const y1 = within(top, picture.height - chip.height)
      // Above or below only where the picture still has room; the place inside the box follows anyway.
      if (top === box.y1 - chip.height && top < 0) {
        continue
      }
      if (top === box.y2 && top + chip.height > picture.height) {
        continue
      }
      yield { x1, y1, x2: x1 + chip.width, y2: y1 + chip.height }
    }
  }
}

const within = (value: number, high: number): number =>
  Math.round(Math.min(Math.max(value, 0), Math.max(0, high)))

const overlapArea = (a: PixelBox, b: PixelBox): number =>
  Math.max(0, Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)) *
  Math.max(0, Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1))
