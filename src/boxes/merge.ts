import type { Detection } from './detection.ts'
import { intersectionOverSmaller } from './iou.ts'

/** Two boxes of one class are one object when this share of the smaller lies in the other: SAHI's default. */
export const MERGE_OVERLAP = 0.5

/**
 * Joins detections of overlapping tiles. Greedy: the best detection takes in every weaker one of its class
 * that overlaps it enough, and grows to cover them, so that an object cut by a tile edge becomes one box.
 * Masks, keypoints and turned corners stay those of the best.
 *
 * source  SAHI `GREEDYNMM` with the `IOS` metric
 */
export function mergeDetections(detections: readonly Detection[], overlap = MERGE_OVERLAP): Detection[] {
  return [...groupByClass(detections).values()]
    .flatMap((group) => mergeClass(group, overlap))
    .sort((a, b) => b.score - a.score)
}

function groupByClass(detections: readonly Detection[]): Map<number, Detection[]> {
  const groups = new Map<number, Detection[]>()
  for (const detection of detections) {
    const group = groups.get(detection.classId)
    if (group === undefined) groups.set(detection.classId, [detection])
    else group.push(detection)
  }
  return groups
}

function mergeClass(group: readonly Detection[], overlap: number): Detection[] {
  const waiting = [...group].sort((a, b) => b.score - a.score)
  const merged: Detection[] = []
  while (waiting.length > 0) {
    const best = waiting.shift()!
    let box = best.box
    for (let i = 0; i < waiting.length; i++) {
      const other = waiting[i]!
      if (intersectionOverSmaller(best.box, other.box) <= overlap) continue
      waiting.splice(i--, 1)
      box = {
        x1: Math.min(box.x1, other.box.x1),
        y1: Math.min(box.y1, other.box.y1),
        x2: Math.max(box.x2, other.box.x2),
        y2: Math.max(box.y2, other.box.y2),
      }
    }
    merged.push({ ...best, box })
  }
  return merged
}
