/**
 * The Pascal VOC average precision at IoU 0.50, in both of its forms.
 *
 * Detections of a class are taken best first over all pictures. Each looks at the one object of its picture
 * that it overlaps most: a hit when the IoU is at least 0.5 and the object is free, a miss when it is taken;
 * difficult objects and crowds count for nothing. Unlike COCO, a detection does not move on to another object.
 *
 * source  Everingham et al., The Pascal Visual Object Classes Challenge; VOCdevkit `VOCevaldet.m`
 * note    The VOCdevkit adds one to widths because it counts pixels. Boxes here are edges, so nothing is added.
 */
import { type EvaluationInput, groupRows } from './tables.ts'

const IOU = 0.5
/** Recall 0, 0.1 … 1 of VOC 2007. */
const ELEVEN = 11

export interface VocClass {
  category: number
  /** Mean of the best precision at the recalls 0, 0.1 … 1 (VOC 2007); −1 without objects. */
  ap11: number
  /** Area under the precision–recall curve made monotone (VOC 2010 and later); −1 without objects. */
  apContinuous: number
  truths: number
}

export interface VocMetrics {
  /** Means over the classes that have objects; −1 without any. */
  ap11: number
  apContinuous: number
  classes: VocClass[]
}

export function evaluateVoc(input: EvaluationInput): VocMetrics {
  const { images, categories, truth, found } = input
  const truths = groupRows(truth, images, categories)
  const detections = groupRows(found, images, categories)
  const taken = new Uint8Array(truth.count)
  const classes: VocClass[] = []
  for (let category = 0; category < categories; category++) {
    const first = category * images
    const rows = detections.rows.subarray(detections.starts[first], detections.starts[first + images])
    // Equal scores keep the order of the pictures, then that of the file.
    const places = Uint32Array.from(rows, (_, i) => i)
    places.sort((a, b) => found.score[rows[b]!]! - found.score[rows[a]!]! || a - b)
    const objects = truths.rows.subarray(truths.starts[first], truths.starts[first + images])
    const total = objects.reduce((sum, row) => sum + (truth.crowd[row] || truth.ignore[row] ? 0 : 1), 0)
    const hits: boolean[] = []
    for (const place of places) {
      const row = rows[place]!
      const key = first + found.image[row]!
      const best = bestObject(input, row, truths.rows.subarray(truths.starts[key], truths.starts[key + 1]))
      if (best === undefined) {
        hits.push(false)
      } else if (truth.crowd[best] || truth.ignore[best]) {
      } else {
        hits.push(taken[best] === 0)
        taken[best] = 1
      }
    }
    classes.push({ category, truths: total, ...averagePrecision(hits, total) })
  }
  const counted = classes.filter((entry) => entry.truths > 0)
  const mean = (of: (entry: VocClass) => number) =>
    counted.length === 0 ? -1 : counted.reduce((sum, entry) => sum + of(entry), 0) / counted.length
  return { ap11: mean((entry) => entry.ap11), apContinuous: mean((entry) => entry.apContinuous), classes }
}

/** Row of the object with the highest IoU of at least 0.5. */
function bestObject(
  { truth, found }: EvaluationInput,
  row: number,
  objects: Uint32Array,
): number | undefined {
  let best: number | undefined
  let most = IOU
  const area = found.width[row]! * found.height[row]!
  for (const object of objects) {
    const width =
      Math.min(found.x[row]! + found.width[row]!, truth.x[object]! + truth.width[object]!) -
      Math.max(found.x[row]!, truth.x[object]!)
    const height =
      Math.min(found.y[row]! + found.height[row]!, truth.y[object]! + truth.height[object]!) -
      Math.max(found.y[row]!, truth.y[object]!)
    if (width <= 0 || height <= 0) {
      continue
    }
    const common = width * height
    const value = common / (area + truth.width[object]! * truth.height[object]! - common)
    if (value < most || (value === most && best !== undefined)) {
      continue
    }
    most = value
    best = object
  }
  return best
}

/** Both forms from hits and misses in order of score. Exported for tests. */
export function averagePrecision(
  hits: readonly boolean[],
  truths: number,
): { ap11: number; apContinuous: number } {
  if (truths === 0) {
    return { ap11: -1, apContinuous: -1 }
  }
  const recall: number[] = []
  const precision: number[] = []
  let found = 0
  hits.forEach((hit, i) => {
    if (hit) {
      found++
    }
    recall.push(found / truths)
    precision.push(found / (i + 1))
  })
  for (let i = precision.length - 2; i >= 0; i--) {
    precision[i] = Math.max(precision[i]!, precision[i + 1]!)
  }
  let sum = 0
  for (let step = 0; step < ELEVEN; step++) {
    const at = recall.findIndex((value) => value >= step / (ELEVEN - 1))
    if (at >= 0) {
      sum += precision[at]!
    }
  }
  let apContinuous = 0
  recall.forEach((value, i) => {
    apContinuous += (value - (recall[i - 1] ?? 0)) * precision[i]!
  })
  return { ap11: sum / ELEVEN, apContinuous }
}
