import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression } from '../heads/describe.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { checkClassColumn, lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const COLUMNS = 7

/**
 * YOLOv7 exported with `--end2end --max-wh`: suppression inside, final rows.
 *
 * predictions  float [n, 7]: picture of the batch, x1, y1, x2, y2 in model-input pixels, class, score
 * source       WongKinYiu/yolov7 `models/experimental.py` ONNX_ORT
 * cost         YOLO-NAS writes score before class in the same shape: swapped, every object is of class 0 and
 *              scores are class numbers
 */
export const yolov7End2end: Family = {
  name: 'yolov7-end2end',
  title: 'YOLOv7 with suppression inside',
  recognise,
  decode(outputs, context) {
    const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
    if (rows > 0 && columns !== COLUMNS) {
      throw mismatch(`rows of ${COLUMNS}`, `rows of ${columns}`)
    }
    const values = roleValues(outputs, 'predictions', context)
    checkClassColumn(values, COLUMNS, 5, 'yolo-nas')
    const list = new CandidateList()
    for (let row = 0, at = 0; row < rows; row++, at += COLUMNS) {
      const score = values[at + 6]!
      if (score < context.minScore) {
        continue
      }
      const classId = Math.round(values[at + 5]!)
      list.add(values[at + 1]!, values[at + 2]!, values[at + 3]!, values[at + 4]!, score, classId, row)
    }
    return list.finish('input')
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.rgbUnitCentred)
  const output = signature.outputs[0]
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1 || output.shape?.length !== 2 || described.input.dtype === 'uint8') {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns !== COLUMNS || (rows !== undefined && rows > 1_000)) {
    return undefined
  }
  const suppresses = (signature.ops.NonMaxSuppression ?? 0) > 0
  if (!suppresses && rows !== undefined) {
    return undefined
  }
  return describe(
    {
      family: 'yolov7-end2end',
      confidence: suppresses ? 0.92 : 0.6,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.25,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          'rows of picture, corners, class, score in pixels of the input',
          'rows of seven without a batch axis and a float picture input; YOLO-NAS takes bytes',
          suppresses ? 0.9 : 0.6,
        ),
        evidence('suppression', 'none', 'the graph has removed overlaps itself', suppresses ? 0.97 : 0.6),
        evidence(
          'input',
          'RGB scaled to 0–1, centred letterbox padded with 114',
          'YOLOv7 is trained so',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}
