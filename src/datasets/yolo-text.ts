import type { CornerBox } from './dataset.ts'
import { hullOfPoints } from './outline.ts'

/**
 * The lines of YOLO label files: `class cx cy width height` as fractions of the picture, and behind it, by task, a score,
 * key points, or a polygon in place of the box.
 */

interface Size {
  width: number
  height: number
}

/** Key points of one object as `kpt_shape` in a data.yaml says: how many, and whether each has its visibility. */
export interface KeypointShape {
  count: number
  dimensions: 2 | 3
}

export interface YoloObject {
  classId: number
  /** Pixels. */
  box: CornerBox
  /** x, y, x, y … in pixels. */
  polygon?: number[]
  /** x, y in pixels and visibility as COCO counts it: 0 not marked, 1 hidden, 2 visible. */
  keypoints?: number[]
  /** Of a detection; labels have none. */
  score?: number
}

const DIGITS = 8

/**
 * A line for an object. What reaches outside is cut, since trainers refuse values beyond 1; eight digits give the box
 * back to a thousandth of a pixel in any picture.
 */
export function yoloLine(classId: number, box: CornerBox, { width, height }: Size, score?: number): string {
  const cutX = (value: number) => Math.min(Math.max(value, 0), width)
  const cutY = (value: number) => Math.min(Math.max(value, 0), height)
  const [x1, x2] = [cutX(box.x), cutX(box.x + box.width)]
  const [y1, y2] = [cutY(box.y), cutY(box.y + box.height)]
  const fractions = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
  const numbers = [...fractions.map((value) => decimal(value, DIGITS))]
  return [classId, ...numbers, ...(score === undefined ? [] : [decimal(score, 6)])].join(' ')
}

/** Without needless digits, and never with an exponent, which many readers do not take. */
export const decimal = (value: number, digits: number): string => {
  const text = value.toFixed(digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** Reads one line; fractions become pixels. Undefined when it is of no known form. */
export function parseYoloLine(
  line: string,
  size: Size,
  shape: KeypointShape | undefined,
): YoloObject | undefined {
  const [classId, ...values] = line.trim().split(/\s+/).map(Number)
  if (classId === undefined || !Number.isInteger(classId) || classId < 0 || !values.every(Number.isFinite)) {
    return undefined
  }
  const box = boxOf(values, size)
  if (values.length === 4) {
    return { classId, box }
  }
  if (shape !== undefined) {
    const points = values.slice(4)
    return points.length === shape.count * shape.dimensions
      ? { classId, box, keypoints: keypointsOf(points, shape, size) }
      : undefined
  }
  if (values.length === 5) {
    const score = values[4]!
    return score >= 0 && score <= 1 ? { classId, box, score } : undefined
  }
  if (values.length < 6 || values.length % 2 !== 0) {
    return undefined
  }
  const polygon = values.map((value, i) => value * (i % 2 === 0 ? size.width : size.height))
  return { classId, box: hullOfPoints(polygon)!, polygon }
}

function boxOf(values: readonly number[], size: Size): CornerBox {
  const [cx = 0, cy = 0, w = 0, h = 0] = values
  const [width, height] = [w * size.width, h * size.height]
  return { x: cx * size.width - width / 2, y: cy * size.height - height / 2, width, height }
}

function keypointsOf(points: readonly number[], { count, dimensions }: KeypointShape, size: Size): number[] {
  return Array.from({ length: count }, (_, i) => {
    const [x = 0, y = 0, visibility] = points.slice(i * dimensions, (i + 1) * dimensions)
    // Without visibilities a point at the origin is one that was not marked.
    const marked = x !== 0 || y !== 0
    return [x * size.width, y * size.height, visibility ?? (marked ? 2 : 0)]
  }).flat()
}

/**
 * True for a line of even length that is rather a box with key points than a polygon: a box whose points all lie in it.
 * The first two points of a polygon say nothing about the others, so that happens by chance once in a while, not in
 * every line of a set.
 */
export function looksLikeKeypoints(line: string): boolean {
  const values = line.trim().split(/\s+/).slice(1).map(Number)
  if (values.length < 8 || values.length % 2 !== 0) {
    return false
  }
  const [cx = 0, cy = 0, w = 0, h = 0, ...points] = values
  const inBox = (x: number, y: number) => Math.abs(x - cx) <= w / 2 + 1e-3 && Math.abs(y - cy) <= h / 2 + 1e-3
  const allInside = (step: number) =>
    points.length % step === 0 &&
    points.every(
      (x, i) => i % step !== 0 || (x === 0 && points[i + 1] === 0) || inBox(x, points[i + 1] ?? Number.NaN),
    )
  const visibilities = points.filter((_, i) => i % 3 === 2)
  return (
    allInside(2) || (allInside(3) && visibilities.every((value) => value === 0 || value === 1 || value === 2))
  )
}
