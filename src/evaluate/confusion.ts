/**
 * Which class is taken for which. Objects and detections of a picture are paired from IoU 0.50, first those of
 * one class, then whatever their classes, the highest IoU first; what stays alone is missed or found where
 * nothing is.
 */
import { type EvaluationInput, groupRows } from './tables.ts'

const IOU = 0.5

export interface ConfusionMatrix {
  /**
   * Square, (categories + 1)²; row = true class, column = detected class. The last row holds detections where
   * no object is, the last column objects that nobody found.
   */
  cells: Uint32Array
  size: number
}

export interface Confusion {
  truth: number
  found: number
  count: number
}

/** @param thresholds score threshold of each category */
export function confusionMatrix(input: EvaluationInput, thresholds: readonly number[]): ConfusionMatrix {
  const { images, categories, truth, found } = input
  const size = categories + 1
  const cells = new Uint32Array(size * size)
  // Grouping with one category puts all classes of a picture together.
  const oneClass = (table: EvaluationInput['found'] | EvaluationInput['truth']) =>
    groupRows({ ...table, category: new Int32Array(table.count) }, images, 1)
  const truths = oneClass(truth)
  const detections = oneClass(found)
  for (let image = 0; image < images; image++) {
    const objects = truths.rows.subarray(truths.starts[image], truths.starts[image + 1])
    const kept = detections.rows
      .subarray(detections.starts[image], detections.starts[image + 1])
      .filter((row) => found.score[row]! >= thresholds[found.category[row]!]!)
    addPicture(input, objects, kept, cells, size)
  }
  return { cells, size }
}

function addPicture(
  { truth, found, categories }: EvaluationInput,
  objects: Uint32Array,
  kept: Uint32Array,
  cells: Uint32Array,
  size: number,
): void {
  const pairs: { object: number; row: number; iou: number; same: boolean }[] = []
  for (const row of kept) {
    for (const object of objects) {
      const iou = overlap(truth, object, found, row)
      if (iou >= IOU) {
        pairs.push({ object, row, iou, same: truth.category[object] === found.category[row] })
      }
    }
  }
  // With equal overlap the right class wins, so that two classes on one object do not look confused.
  pairs.sort((a, b) => Number(b.same) - Number(a.same) || b.iou - a.iou)
  const usedObjects = new Set<number>()
  const usedRows = new Set<number>()
  for (const { object, row } of pairs) {
    const ignored = truth.crowd[object] || truth.ignore[object]
    if (usedRows.has(row) || (usedObjects.has(object) && !ignored)) {
      continue
    }
    usedRows.add(row)
    if (ignored) {
      continue
    }
    usedObjects.add(object)
    cells[truth.category[object]! * size + found.category[row]!]!++
  }
  for (const object of objects) {
    if (usedObjects.has(object) || truth.crowd[object] || truth.ignore[object]) {
      continue
    }
    cells[truth.category[object]! * size + categories]!++
  }
  for (const row of kept) {
    if (!usedRows.has(row)) {
      cells[categories * size + found.category[row]!]!++
    }
  }
}

function overlap(
  truth: EvaluationInput['truth'],
  object: number,
  found: EvaluationInput['found'],
  row: number,
): number {
  const width =
    Math.min(truth.x[object]! + truth.width[object]!, found.x[row]! + found.width[row]!) -
    Math.max(truth.x[object]!, found.x[row]!)
  const height =
    Math.min(truth.y[object]! + truth.height[object]!, found.y[row]! + found.height[row]!) -
    Math.max(truth.y[object]!, found.y[row]!)
  if (width <= 0 || height <= 0) {
    return 0
  }
  const common = width * height
  const area = found.width[row]! * found.height[row]!
  const union = truth.crowd[object] ? area : area + truth.width[object]! * truth.height[object]! - common
  return common / union
}

/** The most frequent mistakes between two classes, most frequent first. */
export function topConfusions({ cells, size }: ConfusionMatrix, most: number): Confusion[] {
  const list: Confusion[] = []
  for (let truth = 0; truth < size - 1; truth++) {
    for (let found = 0; found < size - 1; found++) {
      const count = cells[truth * size + found]!
      if (truth !== found && count > 0) {
        list.push({ truth, found, count })
      }
    }
  }
  return list.sort((a, b) => b.count - a.count || a.truth - b.truth || a.found - b.found).slice(0, most)
}
