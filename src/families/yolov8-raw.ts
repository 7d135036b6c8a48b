import { CandidateList } from './candidates.ts'
import type { Family, RoleTensors } from './family.ts'
import { strideOptions, wholeOption } from './options.ts'
import { roleTensor } from './values.ts'

/**
 * The maps of a YOLOv8-style head before they are decoded: what `model/prepare.ts` leaves of a graph, so it is
 * never recognised in a file and only named in prepared contracts.
 *
 * boxes8, boxes16, boxes32    float [1, 4 · bins, h, w]: for the left, top, right and bottom side a
 *                             distribution of the distance over `bins` cells, as logits
 * scores8, scores16, scores32 float [1, classes, h, w]: class logits
 * options                     strides; bins, 16 in all published weights
 * returns                     distances are expectations, from the centre of the cell, times stride
 * source                      ultralytics `nn/modules/block.py` DFL, `utils/tal.py` dist2bbox
 * cost                        taking the corner of the cell instead of its centre shifts every box by half a
 *                             stride, 4 to 16 pixels
 */
export const yolov8Raw: Family = {
  name: 'yolov8-raw',
  title: 'YOLOv8 head, decoded outside the graph',
  recognise: () => undefined,
  decode(outputs, context) {
    const { classes } = context.contract.output
    const strides = strideOptions(context)
    const bins = wholeOption(context, 'bins')
    const list = new CandidateList()
    const threshold = logitOf(context.minScore)
    let firstRow = 0
    for (const stride of strides) {
      const level = levelOf(outputs, stride)
      decodeLevel(
        { ...level, stride, bins, classes, threshold, firstRow, everyClass: context.everyClass === true },
        list,
      )
      firstRow += level.cells
    }
    return list.finish('input')
  },
}

/** Logits above this are probabilities above `score`. */
const logitOf = (score: number): number => Math.log(score / (1 - score))

interface Level {
  boxes: Float32Array
  scores: Float32Array
  width: number
  cells: number
}

function levelOf(outputs: RoleTensors, stride: number): Level {
  const boxes = roleTensor(outputs, `boxes${stride}`)
  const scores = roleTensor(outputs, `scores${stride}`)
  const [, , height = 0, width = 0] = scores.dims
  return {
    boxes: boxes.data as Float32Array,
    scores: scores.data as Float32Array,
    width,
    cells: height * width,
  }
}

interface LevelDecode extends Level {
  stride: number
  bins: number
  classes: number
  threshold: number
  /** Rows before this level, as the file's own head counts them. */
  firstRow: number
  everyClass: boolean
}

function decodeLevel(level: LevelDecode, list: CandidateList): void {
  const { boxes, cells, width, stride, bins, firstRow } = level
  const { best, classIds } = bestClasses(level)
  for (let cell = 0; cell < cells; cell++) {
    const classId = classIds[cell] as number
    if (classId < 0) continue
    const x = (cell % width) + 0.5
    const y = Math.floor(cell / width) + 0.5
    const side = bins * cells
    const left = expectation(boxes, cell, cells, bins)
    const top = expectation(boxes, cell + side, cells, bins)
    const right = expectation(boxes, cell + 2 * side, cells, bins)
    const bottom = expectation(boxes, cell + 3 * side, cells, bins)
    const add = (logit: number, id: number) =>
      list.add(
        (x - left) * stride,
        (y - top) * stride,
        (x + right) * stride,
        (y + bottom) * stride,
        1 / (1 + Math.exp(-logit)),
        id,
        firstRow + cell,
      )
    if (!level.everyClass) add(best[cell] as number, classId)
    else {
      for (let id = 0; id < level.classes; id++) {
        const logit = level.scores[id * cells + cell] as number
        if (logit >= level.threshold) add(logit, id)
      }
    }
  }
}

/** The best class of each cell, or −1 below the threshold, along the memory: class by class. */
function bestClasses({ scores, cells, classes, threshold }: LevelDecode): {
  best: Float32Array
  classIds: Int16Array
} {
  const best = new Float32Array(cells).fill(threshold)
  const classIds = new Int16Array(cells).fill(-1)
  for (let classId = 0, at = 0; classId < classes; classId++) {
    for (let cell = 0; cell < cells; cell++, at++) {
      const logit = scores[at] as number
      if (logit > (best[cell] as number)) {
        best[cell] = logit
        classIds[cell] = classId
      }
    }
  }
  return { best, classIds }
}

/** Softmax over the bins of one side of one cell, and the mean of the bin numbers under it. */
function expectation(values: Float32Array, first: number, step: number, bins: number): number {
  let peak = Number.NEGATIVE_INFINITY
  for (let bin = 0, at = first; bin < bins; bin++, at += step) peak = Math.max(peak, values[at] as number)
  let sum = 0
  let weighted = 0
  for (let bin = 0, at = first; bin < bins; bin++, at += step) {
    const weight = Math.exp((values[at] as number) - peak)
    sum += weight
    weighted += weight * bin
  }
  return weighted / sum
}
