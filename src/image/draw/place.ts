/** Where labels stand: near their boxes, inside the picture, and clear of one another while there is room. */
import type { PixelBox, Size } from '../../boxes/box.ts'

export interface PlaceWish {
  box: PixelBox
  /** Of the label, no larger than the picture. */
  size: Size
}

/** Corners of a label, and the pixels of it that lie on labels placed before. */
export interface Place extends PixelBox {
  covered: number
}

/**
 * Places labels in the order given, best first: above the box, inside its top, below, inside its bottom, each
 * at the left and the right edge; the first place free of earlier labels is taken, else the freest.
 *
 * @param keep false leaves a label that has no free place out of the way of later ones; it is told by `covered`
 */
export function placeLabels(
  wishes: readonly PlaceWish[],
  picture: Size,
  keep: (place: Place) => boolean = () => true,
): Place[] {
  const taken: PixelBox[] = []
  return wishes.map(({ box, size }) => {
    const place = bestPlace(box, size, picture, taken)
    if (keep(place)) {
      taken.push(place)
    }
    return place
  })
}

/** Detections from which text grows smaller: a crowded picture gains more from labels that do not cover it. */
const CROWD = 24

/** What text is divided by among so many detections. */
export const crowding = (detections: number): number => Math.max(1, detections / CROWD) ** 0.25

function bestPlace(box: PixelBox, size: Size, picture: Size, taken: readonly PixelBox[]): Place {
  let best: Place | undefined
  for (const candidate of places(box, size, picture)) {
    const covered = taken.reduce((sum, other) => sum + overlapArea(candidate, other), 0)
    if (covered === 0) {
      return { ...candidate, covered }
    }
    if (best === undefined || covered < best.covered) {
      best = { ...candidate, covered }
    }
  }
  return best!
}

function* places(box: PixelBox, size: Size, picture: Size): Generator<PixelBox> {
  const tops = [box.y1 - size.height, box.y1, box.y2, box.y2 - size.height]
  for (const left of [box.x1, box.x2 - size.width]) {
    const x1 = within(left, picture.width - size.width)
    for (const top of tops) {
      const y1 = within(top, picture.height - size.height)
      // Above or below only where the picture still has room; the place inside the box follows anyway.
      if (top === box.y1 - size.height && top < 0) {
        continue
      }
      if (top === box.y2 && top + size.height > picture.height) {
        continue
      }
      yield { x1, y1, x2: x1 + size.width, y2: y1 + size.height }
    }
  }
}

const within = (value: number, high: number): number =>
  Math.round(Math.min(Math.max(value, 0), Math.max(0, high)))

const overlapArea = (a: PixelBox, b: PixelBox): number =>
  Math.max(0, Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)) *
  Math.max(0, Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1))
