import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { decodeHead, headShape } from './yolov8.ts'

/**
 * YOLOv9 of its own repository exported with both branches: two heads of the YOLOv8 form.
 *
 * predictions  the second output, float [1, 4 + classes, n], the main branch; the first is the auxiliary one that
 *              helps training. Converted weights (`gelan-…`, `yolov9-…-converted`) have the main branch alone
 *              and are read as YOLOv8.
 * source       WongKinYiu/yolov9 `detect_dual.py` (`pred = pred[0][1]`), `models/yolo.py` DualDDetect
 * cost         the auxiliary branch finds the same objects a little worse, and raises no error
 */
export const yolov9: Family = {
  name: 'yolov9',
  title: 'YOLOv9 with both branches',
  recognise,
  decode: (outputs, context) => decodeHead(outputs, context).list.finish('input'),
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const [auxiliary, main] = signature.outputs
  if (common === undefined || auxiliary === undefined || main === undefined) {
    return undefined
  }
  if (signature.outputs.length !== 2 || signature.inputs.length > 1) {
    return undefined
  }
  const heads = [auxiliary, main].map(({ shape }) => headShape(shape, common.input.size))
  const [first, head] = heads
  if (first === undefined || head === undefined || head.channels < 5) {
    return undefined
  }
  if (first.channels !== head.channels || head.transposed || first.transposed) {
    return undefined
  }
  const classes = head.channels - 4
  if (!namesFit(signature, classes)) {
    return undefined
  }
  return describe(
    {
      family: 'yolov9',
      confidence: 0.9,
      input: common.input,
      roles: { predictions: main.name },
      boxCode: 'cxcywh',
      classes,
      options: { transposed: false },
      score: 0.25,
      suppression: perClass(0.45),
      evidence: [
        ...common.evidence,
        evidence(
          'output.roles',
          `the second output, "${main.name}", is the main branch`,
          'two heads of one shape are the auxiliary and the main branch of YOLOv9, in this order',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}
