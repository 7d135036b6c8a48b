import type { DecodeContext, Family, RoleTensors } from '../family.ts'
import { bestClasses } from '../heads/best-class.ts'
import { CandidateList } from '../heads/candidates.ts'
import { expectation } from '../heads/gfl.ts'
import { strideOptions, wholeOption } from '../heads/options.ts'
import { lastAxes, logit, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'

/**
 * The maps of a YOLOv8-style head before they are decoded: what `prepare/prepare.ts` leaves of a graph, so it is
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
    const bins = wholeOption(context, 'bins')
    const list = new CandidateList()
    let firstRow = 0
    for (const stride of strideOptions(context)) {
      const level = levelOf(outputs, context, stride, bins)
      decodeLevel(level, { bins, firstRow }, context, list)
      firstRow += level.cells
    }
    return list.finish('input')
  },
}

interface Level {
  stride: number
  /** [4 · bins, cells] and [classes, cells], as logits. */
  boxes: Float32Array
  scores: Float32Array
  width: number
  cells: number
}

/** @throws BoxletError MODEL_OUTPUT when a map does not have the channels of the contract and the cells of the input */
function levelOf(outputs: RoleTensors, context: DecodeContext, stride: number, bins: number): Level {
  const { classes } = context.contract.output
  const { input } = context.letterbox
  const width = Math.ceil(input.width / stride)
  const height = Math.ceil(input.height / stride)
  const map = (role: string, channels: number): Float32Array => {
    const axes = lastAxes(roleTensor(outputs, role), 3, role)
    if (axes[0] !== channels || axes[1] !== height || axes[2] !== width) {
      throw mismatch(`[${channels}, ${height}, ${width}] for "${role}"`, `[${axes.join(', ')}]`)
    }
    return roleValues(outputs, role, context)
  }
  return {
    stride,
    boxes: map(`boxes${stride}`, 4 * bins),
    scores: map(`scores${stride}`, classes),
    width,
    cells: height * width,
  }
}

/** `firstRow`: rows before this level, as the file's own head counts them. */
function decodeLevel(
  level: Level,
  { bins, firstRow }: { bins: number; firstRow: number },
  context: DecodeContext,
  list: CandidateList,
): void {
  const { boxes, scores, cells, width, stride } = level
  const { classes } = context.contract.output
  // Scores are float32 in the file's own head: one that is the threshold there has to reach it here.
  const least = Math.fround(context.minScore)
  const { hits, best, classIds } = bestClasses(scores, cells, classes, logit(least - SCORE_STEP))
  for (const cell of hits) {
    const classId = classIds[cell] as number
    const most = Math.fround(sigmoid(best[cell] as number))
    if (most < least) {
      continue
    }
    const x = (cell % width) + 0.5
    const y = Math.floor(cell / width) + 0.5
    const side = bins * cells
    const left = expectation(boxes, cell, bins, cells)
    const top = expectation(boxes, cell + side, bins, cells)
    const right = expectation(boxes, cell + 2 * side, bins, cells)
    const bottom = expectation(boxes, cell + 3 * side, bins, cells)
    const add = (score: number, id: number) =>
      list.add(
        (x - left) * stride,
        (y - top) * stride,
        (x + right) * stride,
        (y + bottom) * stride,
        score,
        id,
        firstRow + cell,
      )
    if (context.everyClass !== true) {
      add(most, classId)
    } else {
      for (let id = 0; id < classes; id++) {
        const score = Math.fround(sigmoid(scores[id * cells + cell] as number))
        if (score >= least) {
          add(score, id)
        }
      }
    }
  }
}

/** The widest gap between two float32 scores: logits are compared by that much less, and only hits exactly. */
const SCORE_STEP = 2 ** -24
