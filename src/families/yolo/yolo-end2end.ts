import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ContractInput, Task } from '../../model/contract.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression } from '../heads/describe.ts'
import { stretch } from '../heads/preprocess.ts'
import { readMasks } from '../heads/prototypes.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { floats } from '../heads/tensor.ts'
import { isUltralytics, ultralyticsInput } from '../heads/ultralytics.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

/** Box, score, class. */
const COLUMNS = 6
/** More final rows than any export gives (300 by default), fewer than any grid of cells has. */
const MAX_ROWS = 1_000
/** Ratios reach a little past 1 at the edge of the picture; pixels of even one small object reach far past 2. */
const LARGEST_RATIO = 2
/** A little above 1, for scores that were rounded. */
const LARGEST_SCORE = 1.01
/** Share of rows that have to look like corners; a centre-and-size row does so only in the first few pixels. */
const CORNER_SHARE = 0.9

/**
 * Final rows: YOLOv10, YOLO26, any Ultralytics export with `nms=True`, and RT-DETR as Ultralytics exports it.
 *
 * predictions  float [1, n, 6 + extra]: four box values, score, class; then 32 mask coefficients, K keypoints
 *              of 3 values, or an angle, by task. Corners in model-input pixels in ONNX files, fractions of the
 *              input in TFLite files; centre and size as fractions for RT-DETR.
 * options      extra: what follows the class column (`masks`, `keypoints`, `angle`)
 * source       ultralytics `nn/modules/head.py` postprocess, `engine/exporter.py` NMSModel; THU-MIG/yolov10
 * cost         suppressing again removes real objects that stand close together; pixels read as fractions
 *              put every box off the picture
 */
export const yoloEnd2end: Family = {
  name: 'yolo-end2end',
  title: 'YOLOv10, YOLO26 and exports with suppression inside',
  recognise,
  decode,
  settle,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  if (columns < COLUMNS) {
    throw mismatch(`at least ${COLUMNS} columns`, `${columns}`)
  }
  const values = roleValues(outputs, 'predictions', context)
  const { boxCode, options } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    const score = values[at + 4]!
    // Rows of zeros fill what the model did not need.
    if (score < context.minScore || score <= 0) {
      continue
    }
    addCodedBox(list, boxCode, units, values, at, score, Math.round(values[at + 5]!), row)
  }
  const found = list.finish('input')
  const kept = list.rows()
  if (options.extra === 'masks') {
    return { ...found, masks: readMasks(outputs, context, kept, { from: COLUMNS, transposed: true }) }
  }
  if (options.extra === 'angle') {
    return { ...found, angles: Float32Array.from(kept, (row) => values[row * columns + COLUMNS]!) }
  }
  if (options.extra === 'keypoints') {
    const perCandidate = Math.floor((columns - COLUMNS) / 3)
    const points = new Float32Array(kept.length * perCandidate * 3)
    for (let i = 0; i < kept.length; i++) {
      for (let k = 0; k < perCandidate * 3; k += 3) {
        const at = kept[i]! * columns + COLUMNS + k
        points[i * perCandidate * 3 + k] = values[at]! * units.x
        points[i * perCandidate * 3 + k + 1] = values[at + 1]! * units.y
        points[i * perCandidate * 3 + k + 2] = values[at + 2]!
      }
    }
    return { ...found, keypoints: { perCandidate, values: points } }
  }
  return found
}

interface Variant {
  task: Task
  extra?: 'masks' | 'keypoints' | 'angle'
  prototypes?: TensorInfo
}

/** What follows the class column, by the metadata and the other outputs. Undefined when it cannot be told. */
function variantOf(signature: ModelSignature, columns: number): Variant | undefined {
  const task = signature.metadata.task
  const extra = columns - COLUMNS
  const prototypes = signature.outputs.find(({ shape }, i) => i > 0 && shape?.length === 4)
  if (prototypes !== undefined) {
    const hasCoefficients = extra > 0 && prototypes.shape?.includes(extra)
    return hasCoefficients ? { task: 'segment', extra: 'masks', prototypes } : undefined
  }
  if (signature.outputs.length > 1) {
    return undefined
  }
  if (extra === 0) {
    return { task: 'detect' }
  }
  if (extra === 1) {
    return task === 'obb' ? { task: 'obb', extra: 'angle' } : undefined
  }
  const isPose = task === 'pose' || signature.metadata.kpt_shape !== undefined
  return isPose && extra % 3 === 0 ? { task: 'pose', extra: 'keypoints' } : undefined
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs.find(({ shape }) => shape?.length === 3) ?? flatRows(signature)
  if (common === undefined || output === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns === undefined || columns < COLUMNS || (rows !== undefined && rows > MAX_ROWS)) {
    return undefined
  }
  const variant = variantOf(signature, columns)
  if (variant === undefined) {
    return undefined
  }
  const ops = signature.ops
  const isFinal =
    /true/i.test(signature.metadata.end2end ?? '') ||
    /['"]nms['"]:\s*True/.test(signature.metadata.args ?? '')
  const selects = (ops.TopK ?? 0) > 0 || (ops.NonMaxSuppression ?? 0) > 0
  const isDetr = /rt-?detr/i.test(signature.metadata.description ?? '')
  const boxCode = variant.task === 'obb' || isDetr ? 'cxcywh' : 'xyxy'
  const isRatio = isDetr || signature.format === 'tflite'
  const isCertain = isDetr || isUltralytics(signature)
  return describe(
    {
      family: 'yolo-end2end',
      confidence: isFinal || isDetr ? 0.98 : selects ? 0.95 : 0.85,
      task: variant.task,
      input: isDetr ? stretched(common.input) : common.input,
      roles: {
        predictions: output.name,
        ...(variant.prototypes === undefined ? {} : { prototypes: variant.prototypes.name }),
      },
      boxCode,
      boxUnits: isRatio ? 'ratio' : 'pixels',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      options: variant.extra === undefined ? {} : { extra: variant.extra },
      score: 0.25,
      suppression: noSuppression(),
      unsettled: isCertain || variant.task === 'obb' ? [] : ['output.boxCode', 'output.boxUnits'],
      evidence: [
        ...common.evidence,
        evidence(
          'suppression',
          'none: the rows are final',
          isFinal
            ? 'the metadata says that selection happens inside'
            : selects
              ? 'the graph selects the best rows by itself'
              : 'so few rows of box, score and class are what is left after selection',
          isFinal ? 0.99 : selects ? 0.95 : 0.8,
        ),
        boxEvidence(boxCode, isRatio, because(signature, isDetr), isCertain ? 0.95 : 0.7),
      ],
    },
    signature.outputs,
  )
}

/** Rows of one picture without an axis for it, as suppression inside the graph leaves them. */
const flatRows = ({ outputs, ops }: ModelSignature): TensorInfo | undefined =>
  (ops.NonMaxSuppression ?? 0) > 0 && outputs.length === 1 && outputs[0]?.shape?.length === 2
    ? outputs[0]
    : undefined

function because(signature: ModelSignature, isDetr: boolean): string {
  if (isDetr) {
    return 'the metadata names RT-DETR, whose rows Ultralytics leaves so'
  }
  if (signature.format === 'tflite') {
    return 'TFLite exports of Ultralytics write fractions'
  }
  return isUltralytics(signature)
    ? 'ONNX exports of Ultralytics write pixels'
    : 'most exports of this shape do'
}

const boxEvidence = (code: string, isRatio: boolean, reason: string, confidence: number) =>
  evidence(
    'output.boxCode',
    `${code === 'xyxy' ? 'corners' : 'centre and size'} in ${isRatio ? 'fractions' : 'pixels'} of the input`,
    reason,
    confidence,
  )

/** RT-DETR is trained on stretched pictures. */
const stretched = (input: ContractInput): ContractInput => ({ ...input, geometry: stretch() })

/**
 * Pixels or fractions by the largest value, the columns of score and class by what they hold; corners or centre and size by how many rows have their second pair
 * right of and below the first. Works on any picture: a model of this kind fills its rows with weak guesses.
 */
function settle(outputs: RoleTensors, recognition: Recognition, input: Size): Recognition {
  const tensor = roleTensor(outputs, 'predictions')
  const [rows, columns] = lastAxes(tensor, 2, 'predictions') as [number, number]
  const values = floats(tensor)
  let largest = 0
  let filled = 0
  let cornered = 0
  let misplaced = 0
  for (let at = 0; at < rows * columns; at += columns) {
    if (values[at + 2] === 0 && values[at + 3] === 0) {
      continue
    }
    filled++
    const isFinal = values[at + 4]! <= LARGEST_SCORE && Number.isInteger(values[at + 5]!)
    misplaced += isFinal ? 0 : 1
    for (let i = 0; i < 4; i++) {
      largest = Math.max(largest, values[at + i]!)
    }
    if (values[at + 2]! >= values[at]! && values[at + 3]! >= values[at + 1]!) {
      cornered++
    }
  }
  if (filled === 0) {
    return recognition
  }
  if (misplaced > filled / 10) {
    throw mismatch(
      'rows of four box values, a score and a class',
      `${misplaced} of ${filled} without them there`,
    )
  }
  const isRatio = largest <= LARGEST_RATIO
  const boxCode = cornered >= CORNER_SHARE * filled ? 'xyxy' : 'cxcywh'
  const reason = `in a probe run of ${input.width}×${input.height}, ${cornered} of ${filled} rows were ordered as corners and the largest value was ${largest.toPrecision(3)}`
  const { contract } = recognition
  return {
    ...recognition,
    unsettled: [],
    contract: {
      ...contract,
      input: boxCode === 'cxcywh' ? stretched(contract.input) : contract.input,
      output: { ...contract.output, boxCode, boxUnits: isRatio ? 'ratio' : 'pixels' },
    },
    evidence: [
      ...recognition.evidence.filter(({ about }) => about !== 'output.boxCode'),
      boxEvidence(boxCode, isRatio, reason, filled >= 20 ? 0.95 : 0.7),
    ],
  }
}
