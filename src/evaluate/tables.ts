/**
 * Ground truth and detections as columns: one typed array per property, so that half a million boxes are
 * matched without half a million objects.
 *
 * Boxes keep COCO's corner and size. Turning them into two corners and back changes the last bit of a
 * width, and a box that lies exactly on an IoU threshold then falls to the other side.
 */
export interface BoxColumns {
  count: number
  /** Index of the picture, 0 … images − 1, in ascending order of the data set's image ids. */
  image: Int32Array
  /** Index of the category, 0 … categories − 1. */
  category: Int32Array
  /** Pixels of the upright original picture. */
  x: Float64Array
  y: Float64Array
  width: Float64Array
  height: Float64Array
}

export interface TruthTable extends BoxColumns {
  /** Square pixels; of the segmentation where the data set has one, not of the box. */
  area: Float64Array
  /** 1 for a region of many objects: it swallows any number of detections and counts for nothing. */
  crowd: Uint8Array
  /** 1 for an object that must be neither found nor missed (VOC "difficult"); crowds are ignored anyway. */
  ignore: Uint8Array
}

export interface FoundTable extends BoxColumns {
  score: Float64Array
}

export interface EvaluationInput {
  images: number
  categories: number
  truth: TruthTable
  found: FoundTable
  /** Overlap of a detection with an object, 0–1, by their rows. Default: that of their boxes. */
  overlap?: (detection: number, object: number) => number
  /** Square pixels of each detection. Default: those of its box. */
  foundArea?: Float64Array
  /** Detections of a picture and class that count. Default and most: 100. */
  most?: number
}

const boxColumns = (count: number): BoxColumns => ({
  count,
  image: new Int32Array(count),
  category: new Int32Array(count),
  x: new Float64Array(count),
  y: new Float64Array(count),
  width: new Float64Array(count),
  height: new Float64Array(count),
})

export const truthTable = (count: number): TruthTable => ({
  ...boxColumns(count),
  area: new Float64Array(count),
  crowd: new Uint8Array(count),
  ignore: new Uint8Array(count),
})

export const foundTable = (count: number): FoundTable => ({
  ...boxColumns(count),
  score: new Float64Array(count),
})

export interface BoxRow {
  image: number
  category: number
  x: number
  y: number
  width: number
  height: number
}

export function setBox(table: BoxColumns, row: number, box: BoxRow): void {
  table.image[row] = box.image
  table.category[row] = box.category
  table.x[row] = box.x
  table.y[row] = box.y
  table.width[row] = box.width
  table.height[row] = box.height
}

/**
 * Rows in order of category, then picture, then their place in the table, as a counting sort.
 * `starts[category * images + image]` is where a group begins; one more entry ends the last.
 */
export interface Groups {
  rows: Uint32Array
  starts: Uint32Array
}

export function groupRows(table: BoxColumns, images: number, categories: number): Groups {
  const starts = new Uint32Array(images * categories + 1)
  const keys = new Uint32Array(table.count)
  for (let row = 0; row < table.count; row++) {
    const key = table.category[row]! * images + table.image[row]!
    keys[row] = key
    starts[key + 1]!++
  }
  for (let key = 1; key < starts.length; key++) {
    starts[key]! += starts[key - 1]!
  }
  const next = starts.slice()
  const rows = new Uint32Array(table.count)
  for (let row = 0; row < table.count; row++) {
    const key = keys[row]!
    rows[next[key]!++] = row
  }
  return { rows, starts }
}
