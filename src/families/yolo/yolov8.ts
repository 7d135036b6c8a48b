import type { Evidence } from '../../model/contract.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { headKind } from '../heads/head-kind.ts'
import { fixed, isUsualPyramid, pyramidOf, tailOf } from '../heads/shapes.ts'
import { isUltralytics, ultralyticsInput } from '../heads/ultralytics.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

/** Taken where the axis of the predictions is free. */
const USUAL = [8, 16, 32]

/** Where the parts of a head of shape [1, 4 + classes + extra, n], or the same transposed, lie. */
export interface HeadShape {
  channels: number
  /** Undefined when the axis is free. */
  predictions: number | undefined
  /** True for [1, n, channels]. */
  transposed: boolean
  /** Undefined when the axis of the predictions is free. */
  strides: readonly number[] | undefined
}

/**
 * Finds the channel axis of a one-output head by the number of grid cells of the input.
 * Undefined when neither axis fits.
 */
export function headShape(
  shape: readonly (number | string | null)[] | undefined,
  input: { width: number; height: number },
): HeadShape | undefined {
  if (shape?.length !== 3) {
    return undefined
  }
  const [, second, third] = shape.map((dimension) => fixed(dimension))
  const inColumns = pyramidOf(input, third)
  const inRows = pyramidOf(input, second)
  // A number of classes may be a number of cells, too: then the usual strides decide.
  const isClear = inColumns !== undefined && (isUsualPyramid(inColumns) || !isUsualPyramid(inRows ?? []))
  const isRows = inRows !== undefined && !isClear
  if (second !== undefined && !isRows && (inColumns !== undefined || (third === undefined && second >= 5))) {
    return { channels: second, predictions: third, transposed: false, strides: inColumns }
  }
  if (third !== undefined && inRows !== undefined) {
    return { channels: third, predictions: second, transposed: true, strides: inRows }
  }
  return undefined
}

/** Box, score and class id, as graphs give them that have decoded and chosen already. */
const FINAL_COLUMNS = 6

/**
 * The head of an Ultralytics export whose rows are those of no pyramid known: its metadata name the task and the
 * classes, and one axis has four values more.
 *
 * cost  rows that are final have the columns of a head of two classes: read as one, they are centres and sizes of
 *       boxes that nobody found
 */
function namedHead(
  signature: ModelSignature,
  shape: readonly (number | string | null)[] | undefined,
  classes: number | undefined,
): HeadShape | undefined {
  if (!isUltralytics(signature) || signature.metadata.task !== 'detect' || classes === undefined) {
    return undefined
  }
  const [, second, third] = shape?.length === 3 ? shape.map((dimension) => fixed(dimension)) : []
  if (third === FINAL_COLUMNS) {
    return undefined
  }
  const channels = 4 + classes
  if (second === channels) {
    return { channels, predictions: third, transposed: false, strides: undefined }
  }
  return third === channels
    ? { channels, predictions: second, transposed: true, strides: undefined }
    : undefined
}

/**
 * The YOLOv8 head and its descendants: YOLOv8, YOLOv9 as Ultralytics exports it, YOLO11, YOLO12, and YOLO26
 * with `end2end=False`.
 *
 * predictions  float [1, 4 + classes, n] or [1, n, 4 + classes], n cells over the strides (8, 16, 32; 4 to
 *              32 with P2, 8 to 64 with P6, 16 and 32 of tiny networks); centre x,
 *              centre y, width, height in model-input pixels (fractions of it in TFLite exports), then one
 *              probability per class. No objectness.
 * source       ultralytics `utils/nms.py`, `nn/modules/head.py` Detect
 * cost         taking the fifth channel for objectness, as YOLOv5 has it, multiplies every score by the
 *              probability of class 0
 */
export const yolov8: Family = {
  name: 'yolov8',
  title: 'YOLOv8, YOLOv9 (Ultralytics), YOLO11, YOLO12',
  recognise,
  decode(outputs, context) {
    return decodeHead(outputs, context).list.finish('input')
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const task = signature.metadata.task
  if (task !== undefined && task !== 'detect') {
    return undefined
  }
  const names = metadataLabels(signature.metadata)
  const head = headShape(output.shape, common.input.size) ?? namedHead(signature, output.shape, names?.length)
  if (head === undefined || head.channels < 5) {
    return undefined
  }
  const classes = head.channels - 4
  const namesFit = names !== undefined && names.length === classes
  if (names !== undefined && !namesFit) {
    return undefined
  }
  // A transposed head without names is far more often YOLOX or YOLOv6, which have an objectness channel.
  const unnamed = head.transposed || !isUsualPyramid(head.strides ?? USUAL) ? 0.4 : 0.8
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  const kind = headKind(signature, output.name)
  // Of 4 or 64 classes every layer is as wide as the next, and what follows them tells which are boxes.
  const isLayered =
    hasPairedLayers(layers, classes) ||
    ((kind?.kind === 'distribution' || kind?.kind === 'plain') && kind.classes === classes)
  // A rare number of rows says little: where the last layers can be seen, they have to say the rest.
  const isRare = head.strides !== undefined && !isUsualPyramid(head.strides)
  if (isRare && layers.length > 0 && !isLayered && !namesFit) {
    return undefined
  }
  const confidence = isUltralytics(signature) ? 0.98 : namesFit || isLayered ? 0.95 : unnamed
  return {
    confidence,
    evidence: [...common.evidence, ...headEvidence(signature, head, namesFit)],
    contract: {
      family: 'yolov8',
      task: 'detect',
      input: common.input,
      extraInputs: [],
      output: {
        roles: { predictions: output.name },
        boxCode: 'cxcywh',
        boxUnits: signature.format === 'tflite' ? 'ratio' : 'pixels',
        frame: 'input',
        scoreActivation: 'none',
        classes,
        options: { transposed: head.transposed },
      },
      thresholds: { score: 0.25 },
      suppression: { kind: 'per-class', iou: 0.7, maxDetections: 300 },
    },
  }
}

/** Channels of the box layers: four sides of 16 bins, or a distance each. */
const BOX_LAYERS = [64, 4]

/** Whether the last layers are those of boxes and of classes, as many of each, with none for objectness. */
function hasPairedLayers(layers: readonly number[], classes: number): boolean {
  const ofClasses = layers.filter((width) => width === classes).length
  const ofBoxes = layers.filter((width) => BOX_LAYERS.includes(width) && width !== classes).length
  return ofClasses > 1 && ofBoxes === ofClasses && ofBoxes + ofClasses === layers.length
}

function headEvidence(signature: ModelSignature, head: HeadShape, namesFit: boolean): Evidence[] {
  const shape = head.transposed ? `n × ${head.channels}` : `${head.channels} × n`
  return [
    {
      about: 'output',
      conclusion: `${head.channels - 4} class scores per prediction and no objectness`,
      because: namesFit
        ? `the metadata names ${head.channels - 4} classes and the head is ${shape}`
        : `the head is ${shape} with one row per grid cell of strides ${(head.strides ?? USUAL).join(', ')}`,
      confidence: namesFit ? 0.98 : 0.75,
    },
    {
      about: 'output.boxUnits',
      conclusion:
        signature.format === 'tflite' ? 'boxes are fractions of the input' : 'boxes are pixels of the input',
      because: `${signature.format === 'tflite' ? 'TFLite' : 'ONNX'} exports of this family write them so`,
      confidence: 0.9,
    },
  ]
}

/** A head that fits its contract, with what is read from it. */
export interface DecodedHead {
  list: CandidateList
  values: Float32Array
  /** Steps in `values` to the next channel and to the next prediction. */
  step: number
  next: number
  /** The first channel after the classes. */
  from: number
}

/**
 * Reads `predictions` of [1, 4 + classes + extra, n] or the same transposed: boxes and the best class of each
 * prediction. The `extra` channels that follow the classes (mask coefficients, keypoints, angle) are left to the
 * caller, by the rows of the list.
 *
 * Only the best class of a prediction is taken, as the reference does when predicting, unless `everyClass` asks
 * for what its evaluation mode does.
 *
 * cost    a head read along the wrong axis or with another number of classes finds nothing, or takes other
 *         channels for scores, and nothing tells
 * @throws BoxletError MODEL_OUTPUT when the head does not have exactly these channels
 */
export function decodeHead(outputs: RoleTensors, context: DecodeContext, extra = 0): DecodedHead {
  const { classes, boxUnits, options } = context.contract.output
  const transposed = options.transposed === true
  const [second, third] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  const [channels, predictions] = transposed ? [third, second] : [second, third]
  if (channels !== 4 + classes + extra) {
    throw mismatch(
      `${4 + classes + extra} channels for 4 box values, ${classes} classes${extra > 0 ? ` and ${extra} more` : ''}`,
      `${channels} of [${second}, ${third}]`,
    )
  }
  const values = roleValues(outputs, 'predictions', context)
  const unitX = boxUnits === 'ratio' ? context.letterbox.input.width : 1
  const unitY = boxUnits === 'ratio' ? context.letterbox.input.height : 1
  const step = transposed ? 1 : predictions
  const next = transposed ? channels : 1
  const least = Math.fround(context.minScore)
  const { scores, classIds } = bestClasses(values, predictions, classes, step, next, least)
  const list = new CandidateList()
  for (let row = 0; row < predictions; row++) {
    const classId = classIds[row]!
    if (classId < 0) {
      continue
    }
    const at = row * next
    const x = values[at]! * unitX
    const y = values[at + step]! * unitY
    const halfWidth = (values[at + 2 * step]! * unitX) / 2
    const halfHeight = (values[at + 3 * step]! * unitY) / 2
    const add = (score: number, id: number) =>
      list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, id, row)
    if (!context.everyClass) {
      add(scores[row]!, classId)
    } else {
      for (let id = 0; id < classes; id++) {
        const score = values[at + (4 + id) * step]!
        if (score >= least) {
          add(score, id)
        }
      }
    }
  }
  return { list, values, step, next, from: 4 + classes }
}

/**
 * The best class of each prediction, or −1 below `minScore`. Goes along the memory, class by class for the
 * usual layout: three times faster than prediction by prediction there.
 */
function bestClasses(
  values: Float32Array,
  predictions: number,
  classes: number,
  step: number,
  next: number,
  minScore: number,
): { scores: Float32Array; classIds: Int16Array } {
  const scores = new Float32Array(predictions).fill(minScore)
  const classIds = new Int16Array(predictions).fill(-1)
  const outer = next === 1 ? classes : predictions
  const inner = next === 1 ? predictions : classes
  for (let i = 0; i < outer; i++) {
    let at = next === 1 ? (4 + i) * step : i * next + 4
    for (let j = 0; j < inner; j++, at++) {
      const row = next === 1 ? j : i
      const score = values[at]!
      if (score > scores[row]! || (score === scores[row]! && classIds[row]! < 0)) {
        scores[row] = score
        classIds[row] = next === 1 ? i : j
      }
    }
  }
  return { scores, classIds }
}
