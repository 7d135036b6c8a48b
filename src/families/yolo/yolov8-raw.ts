import type { DecodeContext, Family, RoleTensors } from '../family.ts'
import { bestClasses } from '../heads/best-class.ts'
import { CandidateList } from '../heads/candidates.ts'
import { expectation } from '../heads/gfl.ts'
import { strideOptions, wholeOption } from '../heads/options.ts'
import { lastAxes, logit, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'
import { recogniseCut } from './yolov8-cut.ts'

/**
 * The maps of a YOLOv8-style head before they are decoded: what `prepare/prepare.ts` leaves of a graph, and what
 * tools for other chips leave of a file (`yolov8-cut.ts`).
 *
 * boxes8, boxes16, boxes32    float [1, 4 · bins, h, w]: for the left, top, right and bottom side a
 *                             distribution of the distance over `bins` cells, as logits; the distance itself
 *                             where there is one bin
 * scores8, scores16, scores32 float [1, classes, h, w]: class logits, or probabilities
 * head8, head16, head32       instead of both: the two joined along the channels
 * options                     strides; bins, 16 in all published weights; channelsLast: [1, h, w, channels];
 *                             scoresFirst: joined maps begin with the scores; probabilities: a sigmoid is done
 * returns                     distances are expectations, from the centre of the cell, times stride
 * source                      ultralytics `nn/modules/block.py` DFL, `utils/tal.py` dist2bbox
 * cost                        taking the corner of the cell instead of its centre shifts every box by half a
 *                             stride, 4 to 16 pixels
 */
export const yolov8Raw: Family = {
  name: 'yolov8-raw',
  title: 'YOLOv8 head, decoded outside the graph',
  recognise: recogniseCut,
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
  const cells = height * width
  const { channelsLast, scoresFirst } = context.contract.output.options
  const map = (role: string, channels: number): Float32Array => {
    const axes = lastAxes(roleTensor(outputs, role), 3, role)
    const expected = channelsLast === true ? [height, width, channels] : [channels, height, width]
    if (expected.some((edge, axis) => edge !== axes[axis])) {
      throw mismatch(`[${expected.join(', ')}] for "${role}"`, `[${axes.join(', ')}]`)
    }
    const values = roleValues(outputs, role, context)
    return channelsLast === true ? channelsFirst(values, cells, channels) : values
  }
  const level = { stride, width, cells }
  if (outputs[`head${stride}`] === undefined) {
    return { ...level, boxes: map(`boxes${stride}`, 4 * bins), scores: map(`scores${stride}`, classes) }
  }
  const joined = map(`head${stride}`, 4 * bins + classes)
  const border = (scoresFirst === true ? classes : 4 * bins) * cells
  const [first, second] = [joined.subarray(0, border), joined.subarray(border)]
  return scoresFirst === true
    ? { ...level, boxes: second, scores: first }
    : { ...level, boxes: first, scores: second }
}

function channelsFirst(values: Float32Array, cells: number, channels: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let cell = 0, at = 0; cell < cells; cell++) {
    for (let channel = 0; channel < channels; channel++, at++) {
      turned[channel * cells + cell] = values[at]!
    }
  }
  return turned
}

/** `firstRow`: rows before this level, as the file's own head counts them. */
function decodeLevel(
  level: Level,
  { bins, firstRow }: { bins: number; firstRow: number },
  context: DecodeContext,
  list: CandidateList,
): void {
  const { boxes, scores, cells, width, stride } = level
  const { classes, options } = context.contract.output
  const isProbability = options.probabilities === true
  const probability = isProbability ? (value: number) => value : sigmoid
  // Scores are float32 in the file's own head: one that is the threshold there has to reach it here.
  const least = Math.fround(context.minScore)
  const { hits, best, classIds } = bestClasses(
    scores,
    cells,
    classes,
    isProbability ? least - SCORE_STEP : logit(least - SCORE_STEP),
  )
  for (const cell of hits) {
    const classId = classIds[cell] as number
    const most = Math.fround(probability(best[cell] as number))
    if (most < least) {
      continue
    }
    const x = (cell % width) + 0.5
    const y = Math.floor(cell / width) + 0.5
    const side = bins * cells
    const distance = (from: number) => (bins === 1 ? boxes[from]! : expectation(boxes, from, bins, cells))
    const left = distance(cell)
    const top = distance(cell + side)
    const right = distance(cell + 2 * side)
    const bottom = distance(cell + 3 * side)
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
        const score = Math.fround(probability(scores[id * cells + cell] as number))
        if (score >= least) {
          add(score, id)
        }
      }
    }
  }
}

/** The widest gap between two float32 scores: logits are compared by that much less, and only hits exactly. */
const SCORE_STEP = 2 ** -24
