import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression, outputNamed, perClass } from '../heads/describe.ts'
import { headKind } from '../heads/head-kind.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { fixed, pictureInput, pyramidOf } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { roleTensor, roleValues } from '../heads/values.ts'
import { settled } from '../settle.ts'

/**
 * Four outputs in the manner of TensorRT's EfficientNMS and BatchedNMS, as YOLOv6, YOLOv7, YOLOv9 and DAMO-YOLO
 * export with `--end2end`; and three without a count, a row for each cell and not yet suppressed, as Qualcomm's AI
 * Hub exports YOLO.
 *
 * count    int32 [1, 1]: rows that hold something; absent where every cell has a row
 * boxes    float [1, n, 4], corners in model-input pixels, or fractions by a run where the names do not tell
 * scores   float [1, n]
 * classes  int32 [1, n]
 * source   meituan/YOLOv6 `yolov6/models/end2end.py`, WongKinYiu/yolov7 `models/experimental.py`,
 *          tinyvision/DAMO-YOLO `tools/converter.py`
 * cost     rows past the count are left-overs of memory and look like detections
 */
export const batchedNms: Family = {
  name: 'batched-nms',
  title: 'Four outputs with suppression inside (YOLOv6, YOLOv7, YOLOv9, DAMO-YOLO, TensorRT); AI Hub',
  recognise,
  decode: decodeCounted,
  settle,
}

/** Reads count, boxes, scores and classes, for every family that writes them apart. */
export function decodeCounted(outputs: RoleTensors, context: DecodeContext): Candidates {
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  const classes = roleValues(outputs, 'classes', context)
  const said = outputs.count === undefined ? scores.length : Number(roleTensor(outputs, 'count').data[0] ?? 0)
  const count = Math.min(said, scores.length, classes.length, boxes.length / 4)
  const { boxCode, frame } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0; row < count; row++) {
    const score = scores[row]!
    const classId = Math.round(classes[row]!)
    // YOLO-NAS pads with class −1.
    if (score < context.minScore || classId < 0) {
      continue
    }
    addCodedBox(list, boxCode, units, boxes, row * 4, score, classId, row)
  }
  return list.finish(frame)
}

/** Fractions reach a little past 1 at the edge of the picture. */
const LARGEST_RATIO = 2

interface Roles {
  /** Absent where every cell has a row, which suppression has not seen yet. */
  count?: TensorInfo
  boxes: TensorInfo
  scores: TensorInfo
  classes: TensorInfo
  reason: string
  confidence: number
  /** Whether the names are those of exporters that write pixels. */
  isNamed: boolean
}

const NAMES = {
  count: /^(num_dets|num_detections?|num)(:0)?$/i,
  boxes: /^(det_boxes|nmsed_boxes|boxes|detection_boxes)(:0)?$/i,
  scores: /^(det_scores|nmsed_scores|scores|detection_scores)(:0)?$/i,
  classes: /^(det_classes|nmsed_classes|det_labels|labels|classes|detection_classes)(:0)?$/i,
}

function namedRoles(signature: ModelSignature): Roles | undefined {
  const [count, boxes, scores, classes] = (['count', 'boxes', 'scores', 'classes'] as const).map((role) =>
    outputNamed(signature, NAMES[role]),
  )
  if (count === undefined || boxes === undefined || scores === undefined || classes === undefined) {
    return undefined
  }
  const isDetection = /^detection/i.test(classes.name)
  if (
    (fixed(boxes.shape?.at(-1)) ?? 4) !== 4 ||
    (isDetection && (!isInteger(classes) || pictureInput(signature)?.layout === 'NHWC'))
  ) {
    return undefined
  }
  const confidence = isInteger(count) && isInteger(classes) ? 0.93 : 0.85
  return {
    count,
    boxes,
    scores,
    classes,
    reason: 'the outputs are named so',
    confidence,
    isNamed: !isDetection,
  }
}

/** A count of whole numbers, rows of four, and a score and a whole number a row, under any names. */
function shapedRoles({ outputs }: ModelSignature): Roles | undefined {
  const boxes = outputs.find(({ shape }) => shape?.length === 3 && fixed(shape[2]) === 4)
  const flat = outputs.filter(({ shape }) => shape?.length === 2)
  const count = flat.find((output) => isInteger(output) && fixed(output.shape?.[1]) === 1)
  const classes = flat.find((output) => isInteger(output) && output !== count)
  const scores = flat.find((output) => !isInteger(output))
  const rows = boxes?.shape?.[1]
  const isAlike = [scores, classes].every((output) => output?.shape?.[1] === rows)
  return count && boxes && scores && classes && isAlike
    ? {
        count,
        boxes,
        scores,
        classes,
        reason: 'one is a count, one has four columns, one holds whole numbers and one scores',
        confidence: 0.8,
        isNamed: false,
      }
    : undefined
}

/** A box, a score and a class for each cell of the input. */
function cellRoles(signature: ModelSignature, size: Size): Roles | undefined {
  const boxes = signature.outputs.find(({ shape }) => shape?.length === 3 && fixed(shape[2]) === 4)
  const rows = boxes && declaredAxes(boxes, 2)?.[0]
  const flat = signature.outputs.filter(({ shape }) => shape?.length === 2 && fixed(shape[1]) === rows)
  const classes = flat.find((output) => isInteger(output) || /class/i.test(output.name))
  const scores = flat.find((output) => output !== classes && !isInteger(output))
  const isGrid = pyramidOf(size, rows) !== undefined || pyramidOf(size, rows, 3) !== undefined
  return boxes && scores && classes && rows !== undefined && isGrid
    ? {
        boxes,
        scores,
        classes,
        reason: `three outputs have ${rows} rows, as many as cells of the input`,
        confidence: 0.9,
        isNamed: false,
      }
    : undefined
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const { outputs, inputs } = signature
  // YOLOX ends so too, and is fed otherwise; all scores come from the same layers.
  const isYolox = outputs.some(({ name }) => headKind(signature, name)?.kind === 'objectness')
  const described = describeInput(signature, isYolox ? PREPROCESS.bgrBytesTopLeft : PREPROCESS.rgbUnitCentred)
  if (described === undefined || inputs.length > 1) {
    return undefined
  }
  const found =
    outputs.length === 4
      ? (namedRoles(signature) ?? shapedRoles(signature))
      : outputs.length === 3
        ? cellRoles(signature, described.input.size)
        : undefined
  if (found === undefined) {
    return undefined
  }
  const { count, boxes, scores, classes } = found
  return describe(
    {
      family: 'batched-nms',
      confidence: found.confidence,
      input: described.input,
      roles: {
        ...(count === undefined ? {} : { count: count.name }),
        boxes: boxes.name,
        scores: scores.name,
        classes: classes.name,
      },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.25,
      suppression: count === undefined ? perClass(CELL_IOU) : noSuppression(),
      unsettled: found.isNamed ? [] : ['output.boxUnits'],
      evidence: [
        evidence(
          'output',
          count === undefined
            ? 'a box, a score and a class for each cell, not yet suppressed'
            : 'count, boxes, scores and classes of final detections',
          found.reason,
          count === undefined ? 0.85 : found.isNamed ? 0.95 : 0.8,
        ),
        isYolox
          ? evidence(
              'input',
              'BGR 0–255, letterbox at the top left padded with 114',
              'a layer of objectness beside those of boxes and classes is YOLOX, which is trained so',
              0.7,
            )
          : evidence(
              'input',
              'RGB scaled to 0–1, centred letterbox padded with 114',
              'YOLOv6, v7 and v9 are trained so; DAMO-YOLO, which exports the same outputs, wants 0–255 stretched',
              0.6,
            ),
      ],
    },
    outputs,
  )
}

/** Overlap that AI Hub's own programs suppress at. */
const CELL_IOU = 0.7

/** Pixels of even one small object reach far past any fraction. */
function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const boxes = floats(roleTensor(outputs, 'boxes'))
  const scores = floats(roleTensor(outputs, 'scores'))
  const said = outputs.count === undefined ? scores.length : Number(roleTensor(outputs, 'count').data[0] ?? 0)
  const rows = Math.min(said, boxes.length / 4)
  let largest = 0
  for (let at = 0; at < rows * 4; at++) {
    largest = Math.max(largest, Math.abs(boxes[at]!))
  }
  const isRatio = rows > 0 && largest <= LARGEST_RATIO
  return settled(recognition, { boxUnits: isRatio ? 'ratio' : 'pixels' }, [
    evidence(
      'output.boxUnits',
      `boxes are ${isRatio ? 'fractions' : 'pixels'} of the input`,
      rows === 0
        ? 'most exports write them so; a probe run found nothing to tell by'
        : `in a probe run the largest of ${rows} boxes reached ${largest.toPrecision(3)}`,
      rows === 0 ? 0.6 : 0.92,
    ),
  ])
}

const isInteger = ({ type }: TensorInfo): boolean => /^u?int/.test(type)
