import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import { decodeCounted } from '../anchors/batched-nms.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { checkClassColumn, lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const FLAT_COLUMNS = 7

/** Longest side to 636, then a centred 640: the exporter leaves this to the caller, a plain letterbox is within a pixel. */
const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  geometry: letterbox('centre', 114),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * YOLO-NAS as super-gradients exports it: bytes in, scaling and suppression inside, in either output format.
 *
 * batch  count [1, 1], boxes float [1, n, 4] corners in model-input pixels, scores [1, n], classes [1, n],
 *        padded with −1
 * flat   predictions float [n, 7]: picture of the batch, x1, y1, x2, y2, score, class
 * source Deci-AI/super-gradients `documentation/source/models_export.md`, `training/utils/export_utils.py`
 * cost   values scaled to 0–1 before a graph that scales them again find nothing; YOLOv7 writes class before
 *        score in the same flat shape
 */
export const yoloNas: Family = {
  name: 'yolo-nas',
  title: 'YOLO-NAS',
  recognise,
  decode(outputs, context) {
    return outputs.predictions === undefined ? decodeCounted(outputs, context) : decodeFlat(outputs, context)
  },
}

function decodeFlat(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  if (rows > 0 && columns !== FLAT_COLUMNS) {
    throw mismatch(`rows of ${FLAT_COLUMNS}`, `rows of ${columns}`)
  }
  const values = roleValues(outputs, 'predictions', context)
  checkClassColumn(values, FLAT_COLUMNS, 6, 'yolov7-end2end')
  const list = new CandidateList()
  for (let row = 0, at = 0; row < rows; row++, at += FLAT_COLUMNS) {
    const score = values[at + 5]!
    if (score < context.minScore) {
      continue
    }
    const classId = Math.round(values[at + 6]!)
    list.add(values[at + 1]!, values[at + 2]!, values[at + 3]!, values[at + 4]!, score, classId, row)
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const takesBytes = described.input.dtype === 'uint8'
  const roles = batchRoles(signature) ?? (takesBytes ? flatRoles(signature) : undefined)
  if (roles === undefined) {
    return undefined
  }
  const isFlat = roles.predictions !== undefined
  const input = takesBytes
    ? described.input
    : { ...described.input, std: [255, 255, 255] as [number, number, number] }
  return describe(
    {
      family: 'yolo-nas',
      confidence: takesBytes ? 0.95 : 0.85,
      input,
      roles: Object.fromEntries(Object.entries(roles).map(([role, info]) => [role, info.name])),
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.25,
      suppression: noSuppression(1_000),
      evidence: [
        evidence(
          'output',
          isFlat ? 'rows of picture, corners, score, class' : 'count, boxes, scores and classes',
          isFlat
            ? 'rows of seven and a picture input of bytes'
            : 'the outputs are named as super-gradients names them',
          isFlat ? 0.85 : 0.95,
        ),
        evidence(
          'input',
          takesBytes ? 'RGB bytes, scaled inside' : 'RGB scaled to 0–1',
          takesBytes
            ? 'the picture input takes bytes'
            : 'the picture input takes floats, so scaling was left out',
          takesBytes ? 0.93 : 0.6,
        ),
      ],
    },
    signature.outputs,
  )
}

function batchRoles(signature: ModelSignature): Record<string, TensorInfo> | undefined {
  const count = outputNamed(signature, /num_predictions/)
  const boxes = outputNamed(signature, /pred_boxes$/)
  const scores = outputNamed(signature, /pred_scores$/)
  const classes = outputNamed(signature, /pred_classes$/)
  return count && boxes && scores && classes ? { count, boxes, scores, classes } : undefined
}

function flatRoles(signature: ModelSignature): Record<string, TensorInfo> | undefined {
  const [predictions] = signature.outputs
  if (predictions?.shape?.length !== 2 || signature.outputs.length > 1) {
    return undefined
  }
  return declaredAxes(predictions, 2)?.[1] === FLAT_COLUMNS ? { predictions } : undefined
}
