import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { fixed } from '../heads/shapes.ts'
import { roleTensor, roleValues } from '../heads/values.ts'

/**
 * Four outputs in the manner of TensorRT's EfficientNMS, as YOLOv6, YOLOv7, YOLOv9 and DAMO-YOLO export with
 * `--end2end`.
 *
 * count    int32 [1, 1]: rows that hold something
 * boxes    float [1, n, 4], corners in model-input pixels
 * scores   float [1, n]
 * classes  int32 [1, n]
 * source   meituan/YOLOv6 `yolov6/models/end2end.py`, WongKinYiu/yolov7 `models/experimental.py`,
 *          tinyvision/DAMO-YOLO `tools/converter.py`
 * cost     rows past the count are left-overs of memory and look like detections
 */
export const batchedNms: Family = {
  name: 'batched-nms',
  title: 'Four outputs with suppression inside (YOLOv6, YOLOv7, YOLOv9, DAMO-YOLO)',
  recognise,
  decode: decodeCounted,
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

const NAMES = {
  count: /^(num_dets|num_detections?|num)(:0)?$/i,
  boxes: /^(det_boxes|nmsed_boxes|boxes)(:0)?$/i,
  scores: /^(det_scores|nmsed_scores|scores)(:0)?$/i,
  classes: /^(det_classes|nmsed_classes|det_labels|labels|classes)(:0)?$/i,
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.rgbUnitCentred)
  if (described === undefined || signature.outputs.length !== 4 || signature.inputs.length > 1) {
    return undefined
  }
  const count = outputNamed(signature, NAMES.count)
  const boxes = outputNamed(signature, NAMES.boxes)
  const scores = outputNamed(signature, NAMES.scores)
  const classes = outputNamed(signature, NAMES.classes)
  if (count === undefined || boxes === undefined || scores === undefined || classes === undefined) {
    return undefined
  }
  if ((fixed(boxes.shape?.at(-1)) ?? 4) !== 4) {
    return undefined
  }
  return describe(
    {
      family: 'batched-nms',
      confidence: isInteger(count) && isInteger(classes) ? 0.93 : 0.85,
      input: described.input,
      roles: { count: count.name, boxes: boxes.name, scores: scores.name, classes: classes.name },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.25,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          'count, boxes, scores and classes of final detections',
          'the outputs are named so',
          0.95,
        ),
        evidence(
          'input',
          'RGB scaled to 0–1, centred letterbox padded with 114',
          'YOLOv6, v7 and v9 are trained so; DAMO-YOLO, which exports the same outputs, wants 0–255 stretched',
          0.6,
        ),
      ],
    },
    signature.outputs,
  )
}

const isInteger = ({ type }: TensorInfo): boolean => /^u?int/.test(type)
