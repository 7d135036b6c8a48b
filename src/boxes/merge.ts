import type { PixelBox, Size } from './box.ts'
import type { Detection } from './detection.ts'
import { intersectionOverSmaller, iou } from './iou.ts'
import type { Tile } from './slice.ts'

/** Parts of one object, seen by neighbouring tiles, share at least this much of the smaller: SAHI's default. */
const PART_OVERLAP = 0.5
/** Two whole boxes of one class above this IoU are one object seen at two scales. */
const SAME_OBJECT_IOU = 0.45
/** A box counts as cut when it ends within this share of the tile from its edge: a model's edges are not exact. */
const CUT_SHARE = 0.01

/** A detection of a tile or of the whole picture, and whether an inner edge of its tile cut it. */
export interface SlicedDetection {
  detection: Detection
  cut: boolean
}

export interface MergeOptions {
  /** Two whole boxes above this are one object. Default 0.45: one object at two scales differs more than in one run. */
  iou?: number
  /** Boxes of any class can be one object. */
  acrossClasses?: boolean
}

/** True for a box that ends at an edge of the tile behind which the picture goes on. */
export function isCut(box: PixelBox, tile: Tile, image: Size): boolean {
  const near = CUT_SHARE * Math.max(tile.width, tile.height)
  const right = tile.left + tile.width
  const bottom = tile.top + tile.height
  return (
    (tile.left > 0 && box.x1 <= tile.left + near) ||
    (tile.top > 0 && box.y1 <= tile.top + near) ||
    (right < image.width && box.x2 >= right - near) ||
    (bottom < image.height && box.y2 >= bottom - near)
  )
}

/**
 * Joins what overlapping tiles and the whole picture found, class by class, best first.
 *
 * Whole boxes: of two that lie over one another the better stays, neither grows. Cut boxes: a part goes when a
 * whole box of its class has it, otherwise parts that overlap become one box round them all. A part that no other
 * tile has seen goes too: tiles overlap, so the other side of the edge saw the same place and found nothing. Parts that
 * remain do not cover half of one another. Masks, keypoints and corners stay those of the best part.
 *
 * source  SAHI `GREEDYNMM` with the `IOS` metric, which also lets whole boxes grow and so joins neighbours
 */
export function mergeSliced(found: readonly SlicedDetection[], options: MergeOptions = {}): Detection[] {
  const groups = options.acrossClasses ? [found] : [...byClass(found).values()]
  const sameObject = options.iou ?? SAME_OBJECT_IOU
  return groups.flatMap((group) => mergeGroup(group, sameObject)).sort((a, b) => b.score - a.score)
}

function byClass(found: readonly SlicedDetection[]): Map<number, SlicedDetection[]> {
  const groups = new Map<number, SlicedDetection[]>()
  for (const sliced of found) {
    const { classId } = sliced.detection
    const group = groups.get(classId)
    if (group === undefined) {
      groups.set(classId, [sliced])
    } else {
      group.push(sliced)
    }
  }
  return groups
}

function mergeGroup(group: readonly SlicedDetection[], sameObject: number): Detection[] {
  const whole = distinct(bestFirst(group.filter(({ cut }) => !cut)), sameObject)
  const orphans = bestFirst(group.filter(({ cut }) => cut)).filter(
    (part) => !whole.some(({ box }) => intersectionOverSmaller(box, part.box) > PART_OVERLAP),
  )
  return [...whole, ...join(orphans)]
}

const bestFirst = (group: readonly SlicedDetection[]): Detection[] =>
  group.map(({ detection }) => detection).sort((a, b) => b.score - a.score)

function distinct(detections: readonly Detection[], sameObject: number): Detection[] {
  const kept: Detection[] = []
  for (const detection of detections) {
    if (kept.every(({ box }) => iou(box, detection.box) <= sameObject)) {
      kept.push(detection)
    }
  }
  return kept
}

/** A box that has grown may reach a part that it did not reach before, so this goes on until nothing changes. */
function join(parts: readonly Detection[]): Detection[] {
  let joined = parts.map((detection) => ({ detection, parts: 1 }))
  for (;;) {
    const next: typeof joined = []
    for (const part of joined) {
      const into = next.find(
        ({ detection }) => intersectionOverSmaller(detection.box, part.detection.box) > PART_OVERLAP,
      )
      if (into === undefined) {
        next.push({ ...part })
        continue
      }
      into.detection = { ...into.detection, box: hull(into.detection.box, part.detection.box) }
      into.parts += part.parts
    }
    if (next.length === joined.length) {
      return next.filter((object) => object.parts > 1).map(({ detection }) => detection)
    }
    joined = next
  }
}

const hull = (a: PixelBox, b: PixelBox): PixelBox => ({
  x1: Math.min(a.x1, b.x1),
  y1: Math.min(a.y1, b.y1),
  x2: Math.max(a.x2, b.x2),
  y2: Math.max(a.y2, b.y2),
})
