/** Turned boxes: a box and an angle about its centre, in radians, clockwise on screen. */

export interface Point {
  x: number
  y: number
}

/** The four corners, in order round the box. */
export function corners(x1: number, y1: number, x2: number, y2: number, angle: number): Point[] {
  const cx = (x1 + x2) / 2
  const cy = (y1 + y2) / 2
  const cos = Math.cos(angle)
  const sin = Math.sin(angle)
  return [
    [x1, y1],
    [x2, y1],
    [x2, y2],
    [x1, y2],
  ].map(([x, y]) => {
    const dx = x! - cx
    const dy = y! - cy
    return { x: cx + dx * cos - dy * sin, y: cy + dx * sin + dy * cos }
  })
}

/** Intersection over union of two convex polygons with corners in the same direction, 0–1. */
export function polygonIou(a: readonly Point[], b: readonly Point[]): number {
  const [areaA, areaB] = [Math.abs(signedArea(a)), Math.abs(signedArea(b))]
  // What has no area has no sides to cut by either, and would be taken to cover all of the other.
  if (areaA === 0 || areaB === 0) {
    return 0
  }
  const shared = Math.abs(signedArea(clipPolygon(a, b)))
  return shared / (areaA + areaB - shared)
}

function signedArea(points: readonly Point[]): number {
  let sum = 0
  for (let i = 0; i < points.length; i++) {
    const p = points[i]!
    const q = points[(i + 1) % points.length]!
    sum += p.x * q.y - q.x * p.y
  }
  return sum / 2
}

/** Sutherland–Hodgman: cuts `subject` by each edge of `clip`. */
function clipPolygon(subject: readonly Point[], clip: readonly Point[]): Point[] {
  const turn = Math.sign(signedArea(clip))
  let result = [...subject]
  for (let i = 0; i < clip.length && result.length > 0; i++) {
    const from = clip[i]!
    const to = clip[(i + 1) % clip.length]!
    const side = (p: Point) => turn * ((to.x - from.x) * (p.y - from.y) - (to.y - from.y) * (p.x - from.x))
    const next: Point[] = []
    for (let j = 0; j < result.length; j++) {
      const p = result[j]!
      const q = result[(j + 1) % result.length]!
      const atP = side(p)
      const atQ = side(q)
      if (atP >= 0) {
        next.push(p)
      }
      if (atP >= 0 !== atQ >= 0) {
        const t = atP / (atP - atQ)
        next.push({ x: p.x + t * (q.x - p.x), y: p.y + t * (q.y - p.y) })
      }
    }
    result = next
  }
  return result
}
