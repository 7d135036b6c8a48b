import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { PREPROCESS as COMMON, describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits, takeClasses } from '../heads/rows.ts'
import { gridCells, tailOf } from '../heads/shapes.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const STRIDES = [8, 16, 32]

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  geometry: stretch(),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * DAMO-YOLO without suppression, and YOLO-NAS exported before its own: boxes and class scores apart, one row
 * for each grid cell.
 *
 * scores  float [1, cells, classes], already 0–1; no objectness
 * boxes   float [1, cells, 4], corners in model-input pixels
 * source  tinyvision/DAMO-YOLO `damo/base_models/heads/zero_head.py`, `configs/damoyolo_*.py` (RGB 0–255,
 *         stretched)
 * cost    DAMO-YOLO takes 0–255; scaled to 0–1 it finds almost nothing
 */
export const damoYolo: Family = {
  name: 'damo-yolo',
  title: 'DAMO-YOLO',
  recognise,
  decode: decodeScoresAndBoxes,
}

/** Reads [1, n, classes] scores with [1, n, 4] boxes in the code of the contract; best class of each row. */
function decodeScoresAndBoxes(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, classes] = lastAxes(roleTensor(outputs, 'scores'), 2, 'scores') as [number, number]
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  if (boxes.length !== rows * 4) {
    throw mismatch(`${rows} boxes`, `${boxes.length / 4}`)
  }
  if (classes < context.contract.output.classes) {
    throw mismatch(`${context.contract.output.classes} class scores a row`, `${classes}`)
  }
  const { boxCode, frame } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0; row < rows; row++) {
    takeClasses(scores, row * classes, 1, context, (classId, score) =>
      addCodedBox(list, boxCode, units, boxes, row * 4, score, classId, row),
    )
  }
  return list.finish(frame)
}

/** A class layer for each stride. */
const hasLevels = (signature: ModelSignature, scores: TensorInfo, classes: number): boolean =>
  (tailOf(signature, scores.name)?.weightedChannels ?? []).filter((width) => width >= classes).length >=
  STRIDES.length

function recognise(signature: ModelSignature): Recognition | undefined {
  if (signature.outputs.length !== 2 || signature.inputs.length > 1) {
    return undefined
  }
  const [first, second] = signature.outputs as [TensorInfo, TensorInfo]
  // YOLO-NAS writes boxes before scores, DAMO-YOLO scores before boxes.
  const boxesFirst = declaredAxes(first, 2)?.[1] === 4
  const [boxes, scores] = boxesFirst ? [first, second] : [second, first]
  const [boxRows, four] = declaredAxes(boxes, 2) ?? []
  const [rows, classes] = declaredAxes(scores, 2) ?? []
  if (four !== 4 || classes === undefined || rows !== boxRows) {
    return undefined
  }
  const described = describeInput(signature, boxesFirst ? COMMON.rgbUnitCentred : PREPROCESS)
  if (described === undefined) {
    return undefined
  }
  const cells = gridCells(described.input.size, STRIDES)
  // Without a number of rows, the layers of each stride have to show that rows are cells and not pictures of a batch.
  if (rows === undefined && !(boxes.shape?.length === 3 && hasLevels(signature, scores, classes))) {
    return undefined
  }
  if (rows === undefined ? /^(logits|pred_boxes|dets|labels)$/.test(scores.name) : rows !== cells) {
    return undefined
  }
  return describe(
    {
      family: 'damo-yolo',
      confidence: rows === cells ? 0.9 : 0.4,
      input: described.input,
      roles: { scores: scores.name, boxes: boxes.name },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? classes,
      score: 0.4,
      suppression: perClass(0.7),
      evidence: [
        evidence(
          'output',
          `${classes} class scores and a box per grid cell`,
          `two outputs with as many rows as cells, one of four columns`,
          0.88,
        ),
        boxesFirst
          ? evidence(
              'input',
              'RGB scaled to 0–1, centred letterbox padded with 114',
              'boxes come before scores, as YOLO-NAS writes them',
              0.55,
            )
          : evidence(
              'input',
              'RGB 0–255, stretched',
              'scores come before boxes, as DAMO-YOLO writes them',
              0.7,
            ),
      ],
    },
    signature.outputs,
  )
}
