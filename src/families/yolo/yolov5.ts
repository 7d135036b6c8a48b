import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { decodeObjectnessRows, FIXED_COLUMNS } from '../heads/objectness.ts'
import { readMasks } from '../heads/prototypes.ts'
import { fixed, isUsualPyramid, pyramidOf, tailOf } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'

const ANCHORS_PER_CELL = 3
const MASK_COEFFICIENTS = 32
/** Between 0.45 of YOLOv5's detect.py and 0.6 of its val.py. */
const SUPPRESSION_IOU = 0.5

/**
 * YOLOv5 and YOLOv7 as their exports decode them, and YOLOv5 segmentation.
 *
 * predictions  float [1, 3 · cells, 5 + classes], cells over the strides (8, 16, 32, and 4 or 64): centre x, centre y,
 *              width, height in model-input pixels (fractions of it in TFLite exports), objectness, classes;
 *              all already 0–1. Segmentation adds 32 mask coefficients and a second output `prototypes`
 *              [1, 32, h, w]. Other outputs (the raw heads that some exports keep) are not read.
 * source       ultralytics/yolov5 `models/yolo.py` Detect, `utils/general.py` non_max_suppression;
 *              WongKinYiu/yolov7 `export.py --grid`
 * cost         without the objectness factor every anchor of an object scores alike and boxes double
 */
export const yolov5: Family = {
  name: 'yolov5',
  title: 'YOLOv5, YOLOv7 (decoded)',
  recognise,
  decode(outputs, context) {
    const list = decodeObjectnessRows(outputs, context)
    const candidates = list.finish('input')
    if (outputs.prototypes === undefined) {
      return candidates
    }
    const from = FIXED_COLUMNS + context.contract.output.classes
    return { ...candidates, masks: readMasks(outputs, context, list.rows(), { from, transposed: true }) }
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const axes = declaredAxes(output, 2)
  if (axes === undefined) {
    return undefined
  }
  const [rows, columns] = axes
  if (columns === undefined || columns <= FIXED_COLUMNS) {
    return undefined
  }
  const prototypes = signature.outputs.find(
    ({ shape }, i) => i > 0 && shape?.length === 4 && fixed(shape[1]) === MASK_COEFFICIENTS,
  )
  const { size } = common.input
  const isAnchored = tailOf(signature, output.name)?.weightedChannels.includes(ANCHORS_PER_CELL * columns)
  const strides = pyramidOf(size, rows, ANCHORS_PER_CELL)
  const rowsFit = strides !== undefined
  if (!rowsFit && !(rows === undefined && isAnchored)) {
    return undefined
  }
  const classes = columns - FIXED_COLUMNS - (prototypes === undefined ? 0 : MASK_COEFFICIENTS)
  if (classes < 1) {
    return undefined
  }
  const names = metadataLabels(signature.metadata)
  if (names !== undefined && names.length !== classes) {
    return undefined
  }
  const units = signature.format === 'tflite' ? 'ratio' : 'pixels'
  return describe(
    {
      family: 'yolov5',
      confidence: isAnchored || names !== undefined ? 0.96 : rowsFit && isUsualPyramid(strides) ? 0.93 : 0.6,
      task: prototypes === undefined ? 'detect' : 'segment',
      input: common.input,
      roles: {
        predictions: output.name,
        ...(prototypes === undefined ? {} : { prototypes: prototypes.name }),
      },
      boxCode: 'cxcywh',
      boxUnits: units,
      classes,
      score: 0.25,
      suppression: perClass(SUPPRESSION_IOU),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `objectness and ${classes} class scores per prediction`,
          rowsFit
            ? `${rows} predictions are three anchors for each cell of the input`
            : `the last layers have three times ${columns} channels, one for each anchor`,
          0.95,
        ),
        evidence(
          'output.boxUnits',
          units === 'ratio' ? 'boxes are fractions of the input' : 'boxes are pixels of the input',
          `${units === 'ratio' ? 'TFLite' : 'ONNX'} exports of this family write them so`,
          0.9,
        ),
      ],
    },
    signature.outputs,
  )
}
