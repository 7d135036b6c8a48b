import { area, type PixelBox } from './box.ts'

/** Area in common, in square pixels. */
function intersection(a: PixelBox, b: PixelBox): number {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1)
  return width > 0 && height > 0 ? width * height : 0
}

/** Intersection over union, 0–1; 0 for boxes without area. */
export function iou(a: PixelBox, b: PixelBox): number {
  const shared = intersection(a, b)
  return shared === 0 ? 0 : shared / (area(a) + area(b) - shared)
}

/** Intersection over the smaller box, 0–1: 1 when one lies inside the other, as a part cut by a tile does. */
export function intersectionOverSmaller(a: PixelBox, b: PixelBox): number {
  const shared = intersection(a, b)
  return shared === 0 ? 0 : shared / Math.min(area(a), area(b))
}
