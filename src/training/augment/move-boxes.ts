import { area, type PixelBox } from '../../boxes/box.ts'
import type { PictureSize, Placement } from './placement.ts'

/** An object as training sees it. */
export interface Labelled {
  /** Index of the class. */
  classId: number
  box: PixelBox
}

/** Pixels of the input: what is smaller is a sliver that nobody could name. */
const LEAST_EDGE = 3
/** Share of an object that must be left inside. */
const LEAST_SHARE = 0.3

/** Objects of a placed picture in pixels of the input; those that are mostly outside are left out. */
export function moveBoxes(objects: readonly Labelled[], at: Placement, { width }: PictureSize): Labelled[] {
  return objects.flatMap(({ classId, box }) => {
    const x1 = at.isMirrored ? width - box.x2 : box.x1
    const x2 = at.isMirrored ? width - box.x1 : box.x2
    const whole = {
      x1: x1 * at.scale + at.offsetX,
      y1: box.y1 * at.scale + at.offsetY,
      x2: x2 * at.scale + at.offsetX,
      y2: box.y2 * at.scale + at.offsetY,
    }
    const shown = {
      x1: Math.max(at.window.x1, whole.x1),
      y1: Math.max(at.window.y1, whole.y1),
      x2: Math.min(at.window.x2, whole.x2),
      y2: Math.min(at.window.y2, whole.y2),
    }
    const isLarge = shown.x2 - shown.x1 > LEAST_EDGE && shown.y2 - shown.y1 > LEAST_EDGE
    return isLarge && area(shown) > LEAST_SHARE * area(whole) ? [{ classId, box: shown }] : []
  })
}
