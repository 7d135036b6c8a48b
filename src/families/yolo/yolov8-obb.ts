import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { tailOf } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { decodeHead, headShape } from './yolov8.ts'

/**
 * YOLOv8 and YOLO11 with turned boxes (aerial pictures, documents).
 *
 * predictions  float [1, 4 + classes + 1, n]: centre x, centre y, width, height of the box before it is
 *              turned, class scores, and the angle in radians, clockwise on screen, about the centre
 * source       ultralytics `nn/modules/head.py` OBB, `utils/ops.py` xywhr2xyxyxyxy
 * cost         the angle taken for one more class gives a class that is everywhere, with scores above 1
 */
export const yolov8Obb: Family = {
  name: 'yolov8-obb',
  title: 'YOLOv8 and YOLO11 turned boxes',
  recognise,
  decode(outputs, context) {
    const { list, values, step, next, from } = decodeHead(outputs, context, 1)
    const angles = Float32Array.from(list.rows(), (row) => values[row * next + from * step]!)
    return { ...list.finish('input'), angles }
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const head = headShape(output.shape, common.input.size)
  if (head === undefined || head.channels < 6) {
    return undefined
  }
  const classes = head.channels - 5
  const names = metadataLabels(signature.metadata)
  const isSaid = signature.metadata.task === 'obb'
  // Names alone do not tell: a detection file may carry a stale list. Its head would have a layer of one channel.
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  const isShaped = names?.length === classes && layers.includes(1)
  if (!isSaid && !isShaped) {
    return undefined
  }
  if (names !== undefined && names.length !== classes) {
    return undefined
  }
  return describe(
    {
      family: 'yolov8-obb',
      confidence: isSaid ? 0.985 : 0.7,
      task: 'obb',
      input: common.input,
      roles: { predictions: output.name },
      boxCode: 'cxcywh',
      boxUnits: signature.format === 'tflite' ? 'ratio' : 'pixels',
      classes,
      options: { transposed: head.transposed },
      score: 0.25,
      suppression: perClass(0.7),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `${classes} class scores and an angle per prediction`,
          isSaid ? 'the metadata says task obb' : 'the head has one channel more than box and named classes',
          isSaid ? 0.98 : 0.6,
        ),
      ],
    },
    signature.outputs,
  )
}
