import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { coefficientCount, readMasks } from '../heads/prototypes.ts'
import { fixed } from '../heads/shapes.ts'
import { isUltralytics, ultralyticsInput } from '../heads/ultralytics.ts'
import { decodeHead, headShape } from './yolov8.ts'

/** Ultralytics `Segment` head: nm, in every published model. */
const USUAL_COEFFICIENTS = 32

/**
 * YOLOv8 and YOLO11 segmentation.
 *
 * predictions  float [1, 4 + classes + k, n]: the detection head followed by k mask coefficients
 * prototypes   float [1, k, h, w], h and w a quarter of the input
 * source       ultralytics `models/yolo/segment/predict.py`, `utils/ops.py` process_mask
 * cost         taking the class count from the channels alone (112 instead of 80 for COCO) turns mask
 *              coefficients into scores, which are often above 1
 */
export const yolov8Segment: Family = {
  name: 'yolov8-segment',
  title: 'YOLOv8 and YOLO11 segmentation',
  recognise,
  decode(outputs, context) {
    const { list, from } = decodeHead(outputs, context, coefficientCount(outputs))
    const transposed = context.contract.output.options.transposed === true
    const masks = readMasks(outputs, context, list.rows(), { from, transposed })
    return { ...list.finish('input'), masks }
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const predictions = signature.outputs.find(({ shape }) => shape?.length === 3)
  const prototypes = signature.outputs.find(({ shape }) => shape?.length === 4)
  if (common === undefined || predictions === undefined || prototypes === undefined) {
    return undefined
  }
  if (signature.outputs.length !== 2) {
    return undefined
  }
  const head = headShape(predictions.shape, common.input.size)
  if (head === undefined) {
    return undefined
  }
  const edges = prototypes.shape!.slice(1).map(fixed)
  // The shorter of the outer axes counts the prototypes: maps are never narrower than their number.
  const coefficients = Math.min(edges[0] ?? USUAL_COEFFICIENTS, edges[2] ?? USUAL_COEFFICIENTS)
  const classes = head.channels - 4 - coefficients
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
      family: 'yolov8-segment',
      confidence: isUltralytics(signature) ? 0.98 : names === undefined ? 0.85 : 0.95,
      task: 'segment',
      input: common.input,
      roles: { predictions: predictions.name, prototypes: prototypes.name },
      boxCode: 'cxcywh',
      boxUnits: units,
      classes,
      options: { transposed: head.transposed },
      score: 0.25,
      suppression: perClass(0.7),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `${classes} class scores and ${coefficients} mask coefficients per prediction`,
          `the second output holds ${coefficients} mask prototypes${names === undefined ? '' : ` and the metadata names ${classes} classes`}`,
          names === undefined ? 0.85 : 0.98,
        ),
      ],
    },
    signature.outputs,
  )
}
