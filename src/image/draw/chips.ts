import type { PixelBox, Size } from '../../boxes/box.ts'
import { placeLabels } from './place.ts'
import { drawableText, lineHeight, textWidth } from './text.ts'

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

/** Lays out chips in the order given, best first, where `placeLabels` puts them. */
export function layoutChips(wishes: readonly ChipWish[], picture: Size, size: number): Chip[] {
  const height = Math.min(lineHeight(size), picture.height)
  const texts = wishes.map((wish) => fitText(wish, picture.width - 2 * CHIP_PADDING * size, size))
  const widthOf = (text: string) =>
    Math.min(picture.width, Math.ceil(textWidth(text, size) + 2 * CHIP_PADDING * size))
  const labels = wishes.map(({ box }, i) => ({ box, size: { width: widthOf(texts[i]!), height } }))
  return placeLabels(labels, picture).map(({ x1, y1, x2, y2 }, i) => ({ x1, y1, x2, y2, text: texts[i]! }))
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
