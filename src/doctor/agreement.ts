import { area, type Size } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'
import { iou } from '../boxes/iou.ts'

/** Share of the picture from which a box says nothing about where an object is. */
const WHOLE = 0.9

/**
 * How well what was found in a picture agrees with what was found in its mirror image: for each object found in
 * both, the product of the two scores times their overlap, best partners first, summed. Products rather than
 * scores, so that a doubtful object more does not outweigh sure ones that became less sure.
 *
 * A right reading of a model finds the same objects in both, surely. A wrong colour order or scale lowers the
 * scores; a wrong box code puts boxes where the mirror does not. Without annotations this is the only witness,
 * and it cannot see what is wrong in both pictures alike, such as names of classes. Boxes over the whole picture
 * do not count: boxes in wrong units, cut to the picture, become such.
 */
export function agreement(
  found: readonly Detection[],
  inMirror: readonly Detection[],
  picture: Size,
): number {
  const left = new Set(inMirror)
  let sum = 0
  for (const detection of found) {
    if (area(detection.box) > WHOLE * picture.width * picture.height) {
      continue
    }
    let best: Detection | undefined
    let most = 0
    for (const other of left) {
      if (other.classId !== detection.classId) {
        continue
      }
      const overlap = iou(detection.box, turnedBack(other, picture.width))
      if (overlap > most) {
        most = overlap
        best = other
      }
    }
    if (best === undefined) {
      continue
    }
    left.delete(best)
    sum += detection.score * best.score * most
  }
  return sum
}

/** In the units of `agreement`: what a picture of scrambled pieces, which shows nothing, is said to show. */
export const delusion = (inPieces: readonly Detection[]): number =>
  inPieces.reduce((sum, { score }) => sum + score * score, 0)

const turnedBack = ({ box }: Detection, width: number) => ({
  x1: width - box.x2,
  y1: box.y1,
  x2: width - box.x1,
  y2: box.y2,
})
