import { clip, type PixelBox } from '../boxes/box.ts'
import type { Candidates, Detection } from '../boxes/detection.ts'
import { type Letterbox, toImage } from '../boxes/letterbox.ts'
import { objectMask } from '../boxes/mask.ts'
import { suppress } from '../boxes/suppress.ts'
import { corners } from '../boxes/turned.ts'
import { BoxletError } from '../errors.ts'
import type { Contract } from '../model/contract.ts'
import type { DetectOptions } from './options.ts'

/** What one call keeps, worked out once from its options and the contract. */
export interface Criteria {
  /** The least of all, for decoding. */
  minScore: number
  everyClass: boolean
  keeps(classId: number, score: number): boolean
  suppression: Contract['suppression']
}

/** @throws BoxletError USAGE for a class that the model does not have */
export function criteriaOf(contract: Contract, options: DetectOptions): Criteria {
  const perClass = options.minScore === undefined ? contract.thresholds.perClass : undefined
  const base = options.minScore ?? contract.thresholds.score
  const classes = options.classes === undefined ? undefined : classIds(contract, options.classes)
  const scoreOf = new Map<number, number>()
  for (const [label, score] of Object.entries(perClass ?? {})) {
    contract.labels.forEach((name, id) => {
      if (name === label) {
        scoreOf.set(id, score)
      }
    })
  }
  return {
    minScore: Math.min(base, ...scoreOf.values()),
    everyClass: options.everyClass === true,
    keeps: (classId, score) =>
      score >= (scoreOf.get(classId) ?? base) && (classes === undefined || classes.has(classId)),
    suppression: {
      kind: contract.suppression.kind,
      iou: options.iou ?? contract.suppression.iou,
      maxDetections: options.maxDetections ?? contract.suppression.maxDetections,
    },
  }
}

function classIds(contract: Contract, classes: readonly (string | number)[]): Set<number> {
  const ids = new Set<number>()
  for (const given of classes) {
    const text = String(given)
    const matches = contract.labels.flatMap((label, id) =>
      label?.toLowerCase() === text.toLowerCase() ? [id] : [],
    )
    const id = /^\d+$/.test(text) ? Number(text) : undefined
    // A model without a list of labels can give any id.
    const isId = id !== undefined && (contract.labels.length === 0 || id < contract.labels.length)
    if (matches.length === 0 && isId) {
      matches.push(id)
    }
    if (matches.length === 0) {
      const some = contract.labels.filter((label) => label !== null).slice(0, 12)
      throw new BoxletError('USAGE', `Expected a class of the model for classes but received "${text}".`, {
        hint: `Its classes are ${some.join(', ')}${contract.labels.length > 12 ? ' and others' : ''}.`,
      })
    }
    for (const id of matches) {
      ids.add(id)
    }
  }
  return ids
}

/**
 * Candidates of one picture to detections in pixels of the upright original picture, best first.
 *
 * Suppression runs in the frame of the candidates, as the reference codes do, and the boxes are cut to the
 * picture afterwards: cutting first would change overlaps at the border.
 */
export function toDetections(
  candidates: Candidates,
  letterbox: Letterbox,
  contract: Contract,
  criteria: Criteria,
): Detection[] {
  const filtered = filter(candidates, criteria)
  const detections: Detection[] = []
  for (const row of suppress(filtered, criteria.suppression)) {
    const detection = toDetection(filtered, row, letterbox, contract)
    if (detection !== undefined) {
      detections.push(detection)
    }
  }
  return detections
}

/** Drops rows that are not wanted and rows with a coordinate that is not a number. */
function filter(candidates: Candidates, criteria: Criteria): Candidates {
  const { boxes, scores, classIds, keypoints, masks, angles } = candidates
  const rows: number[] = []
  for (let row = 0; row < candidates.count; row++) {
    const first = row * 4
    const finite = Number.isFinite(boxes[first]! + boxes[first + 1]! + boxes[first + 2]! + boxes[first + 3]!)
    if (finite && criteria.keeps(classIds[row]!, scores[row]!)) {
      rows.push(row)
    }
  }
  if (rows.length === candidates.count) {
    return candidates
  }
  const pick = (values: Float32Array, each: number) => {
    const out = new Float32Array(rows.length * each)
    for (const [i, row] of rows.entries()) {
      out.set(values.subarray(row * each, (row + 1) * each), i * each)
    }
    return out
  }
  return {
    count: rows.length,
    boxes: pick(boxes, 4),
    scores: pick(scores, 1),
    classIds: Int32Array.from(rows, (row) => classIds[row]!),
    frame: candidates.frame,
    ...(keypoints && {
      keypoints: { ...keypoints, values: pick(keypoints.values, keypoints.perCandidate * 3) },
    }),
    ...(angles && { angles: pick(angles, 1) }),
    ...(masks && { masks: { ...masks, coefficients: pick(masks.coefficients, masks.perCandidate) } }),
  }
}

function toDetection(
  candidates: Candidates,
  row: number,
  letterbox: Letterbox,
  contract: Contract,
): Detection | undefined {
  const map =
    candidates.frame === 'input' ? (box: PixelBox) => toImage(box, letterbox) : (box: PixelBox) => box
  const [x1, y1, x2, y2] = candidates.boxes.subarray(row * 4, row * 4 + 4) as unknown as [
    number,
    number,
    number,
    number,
  ]
  const angle = candidates.angles?.[row]
  const turned = angle === undefined ? undefined : corners(x1, y1, x2, y2, angle).map((p) => mapPoint(p, map))
  const whole = turned === undefined ? map({ x1, y1, x2, y2 }) : hull(turned)
  const box = clip(whole, letterbox.image)
  if (box.x2 <= box.x1 || box.y2 <= box.y1) {
    return undefined
  }
  const classId = candidates.classIds[row]!
  const mask = candidates.masks && objectMask(candidates.masks, row, box, letterbox)
  return {
    label: contract.labels[classId] ?? `class ${classId}`,
    classId,
    score: candidates.scores[row]!,
    box,
    ...(mask && { mask }),
    ...(candidates.keypoints && { keypoints: keypointsOf(candidates.keypoints, row, map) }),
    ...(angle !== undefined && turned !== undefined && { angle, corners: turned }),
  }
}

const mapPoint = (point: { x: number; y: number }, map: (box: PixelBox) => PixelBox) => {
  const { x1, y1 } = map({ x1: point.x, y1: point.y, x2: point.x, y2: point.y })
  return { x: x1, y: y1 }
}

const hull = (points: readonly { x: number; y: number }[]): PixelBox => ({
  x1: Math.min(...points.map(({ x }) => x)),
  y1: Math.min(...points.map(({ y }) => y)),
  x2: Math.max(...points.map(({ x }) => x)),
  y2: Math.max(...points.map(({ y }) => y)),
})

function keypointsOf(
  { perCandidate, values }: NonNullable<Candidates['keypoints']>,
  row: number,
  map: (box: PixelBox) => PixelBox,
) {
  return Array.from({ length: perCandidate }, (_, i) => {
    const from = (row * perCandidate + i) * 3
    return { ...mapPoint({ x: values[from]!, y: values[from + 1]! }, map), score: values[from + 2]! }
  })
}
