import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, extraInputs, noSuppression, perClass } from '../heads/describe.ts'
import { describeInput, PREPROCESS, type Preprocess, stretch } from '../heads/preprocess.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const COLUMNS = 6
/** PicoDet-L has 5.8 million parameters, PP-YOLOE+-s 7.9: they are fed differently. */
const LARGEST_PICODET = 7_000_000

const PICODET: Preprocess = { ...PREPROCESS.rgbImageNetStretch, geometry: stretch('bicubic') }
const PPYOLOE: Preprocess = { ...PREPROCESS.rgbUnitStretch, geometry: stretch('bicubic') }

/**
 * PP-YOLOE, PicoDet and other PaddleDetection models exported with their post-processing, or without it
 * (`exclude_nms=True`).
 *
 * predictions  float [n, 6]: class, score, x1, y1, x2, y2; pixels of the original picture when the file takes a
 *              `scale_factor` (vertical, horizontal), else of the model input. Class −1 fills unused rows.
 * scores       with `exclude_nms`: float [1, classes, n], with `boxes` float [1, n, 4]
 * source       PaddlePaddle/PaddleDetection `deploy/EXPORT_MODEL.md`, `ppdet/modeling/post_process.py`
 * cost         class and score come before the box, the other way round from YOLO's rows of six; the scale is
 *              vertical first, and swapped it stretches every box of a picture that is not square
 */
export const paddleRows: Family = {
  name: 'paddle-rows',
  title: 'PP-YOLOE, PicoDet and other PaddleDetection models',
  recognise,
  decode(outputs, context) {
    return outputs.predictions === undefined ? decodeApart(outputs, context) : decodeRows(outputs, context)
  },
}

function decodeRows(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  if (rows > 0 && columns !== COLUMNS) {
    throw mismatch(`rows of ${COLUMNS}`, `rows of ${columns}`)
  }
  const values = roleValues(outputs, 'predictions', context)
  const list = new CandidateList()
  for (let row = 0, at = 0; row < rows; row++, at += COLUMNS) {
    const classId = Math.round(values[at]!)
    const score = values[at + 1]!
    if (classId < 0 || score < context.minScore) {
      continue
    }
    list.add(values[at + 2]!, values[at + 3]!, values[at + 4]!, values[at + 5]!, score, classId, row)
  }
  return list.finish(context.contract.output.frame)
}

function decodeApart(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [classes, rows] = lastAxes(roleTensor(outputs, 'scores'), 2, 'scores') as [number, number]
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  if (boxes.length !== rows * 4) {
    throw mismatch(`${rows} boxes`, `${boxes.length / 4}`)
  }
  const best = new Float32Array(rows).fill(context.minScore)
  const classIds = new Int32Array(rows).fill(-1)
  for (let classId = 0, at = 0; classId < classes; classId++) {
    for (let row = 0; row < rows; row++, at++) {
      if (scores[at]! >= best[row]!) {
        best[row] = scores[at]!
        classIds[row] = classId
      }
    }
  }
  const list = new CandidateList()
  for (let row = 0; row < rows; row++) {
    if (classIds[row]! < 0) {
      continue
    }
    const at = row * 4
    list.add(boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!, best[row]!, classIds[row]!, row)
  }
  return list.finish(context.contract.output.frame)
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const isSmall = signature.parameters < LARGEST_PICODET
  const described = describeInput(signature, isSmall ? PICODET : PPYOLOE)
  if (described === undefined) {
    return undefined
  }
  const extra = extraInputs(signature, described.picture)
  if (extra === undefined || extra.some(({ kind }) => kind === 'orig-size-wh' || kind === 'pixel-mask')) {
    return undefined
  }
  const isScaled = extra.some(({ kind }) => kind === 'scale-factor-yx')
  const isPaddle =
    isScaled ||
    /paddle/i.test(signature.producer.name) ||
    signature.outputs.some(({ name }) => /save_infer_model|multiclass_nms|\.tmp_\d|fetch_name/.test(name))
  const roles = isPaddle ? (rowRoles(signature) ?? apartRoles(signature)) : undefined
  if (roles === undefined) {
    return undefined
  }
  const isRows = roles.predictions !== undefined
  const scores = roles.scores === undefined ? undefined : declaredAxes(roles.scores, 2)?.[0]
  return describe(
    {
      family: 'paddle-rows',
      confidence: isScaled ? 0.95 : 0.85,
      input: described.input,
      extraInputs: extra,
      roles: Object.fromEntries(Object.entries(roles).map(([role, info]) => [role, info.name])),
      boxCode: 'xyxy',
      frame: isScaled ? 'image' : 'input',
      classes: scores ?? metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.4,
      suppression: isRows ? noSuppression() : perClass(0.7),
      evidence: [
        evidence(
          'output',
          isRows ? 'rows of class, score, corners' : 'boxes and class scores before suppression',
          isRows
            ? 'rows of six from a Paddle export'
            : 'a Paddle export with boxes and one score row a class',
          isScaled ? 0.95 : 0.85,
        ),
        evidence(
          'output.frame',
          isScaled ? 'pixels of the original picture' : 'pixels of the model input',
          isScaled ? 'the file takes a scale_factor and divides by it' : 'the file takes no scale_factor',
          0.9,
        ),
        evidence(
          'input',
          isSmall ? 'RGB with ImageNet mean and deviation, stretched' : 'RGB scaled to 0–1, stretched',
          isSmall
            ? 'so few parameters are a PicoDet'
            : 'so many parameters are a PP-YOLOE+; PP-YOLOE before the plus wants ImageNet mean and deviation',
          isSmall ? 0.75 : 0.55,
        ),
      ],
    },
    signature.outputs,
  )
}

/** Rows of six, beside at most the number of rows. */
function rowRoles(signature: ModelSignature): Record<string, TensorInfo> | undefined {
  const predictions = signature.outputs.find(
    (output) => output.shape?.length === 2 && declaredAxes(output, 2)?.[1] === COLUMNS,
  )
  const others = signature.outputs.filter((output) => output !== predictions)
  if (predictions === undefined || others.some(({ type }) => !/^int/.test(type))) {
    return undefined
  }
  return { predictions }
}

function apartRoles(signature: ModelSignature): Record<string, TensorInfo> | undefined {
  if (signature.outputs.length !== 2) {
    return undefined
  }
  const boxes = signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === 4)
  const scores = signature.outputs.find((output) => output !== boxes && output.shape?.length === 3)
  return boxes === undefined || scores === undefined ? undefined : { boxes, scores }
}
