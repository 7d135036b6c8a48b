import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { FIXED_COLUMNS } from '../heads/objectness.ts'
import { levelOptions, strideOptions } from '../heads/options.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { argmax } from '../heads/rows.ts'
import { fixed } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'
import { isLogits, settled } from '../settle.ts'

const ANCHORS_PER_CELL = 3
const STRIDES = [8, 16, 32]
const LEVELS = 3
/** Input size in pixels that the published file is run with; its axes are free. */
const SIZE = 416
/** yolov4_anchors.txt of the ONNX model zoo. */
const ANCHORS = [
  [12, 16, 19, 36, 40, 28],
  [36, 75, 76, 55, 72, 146],
  [142, 110, 192, 243, 459, 401],
]
/** Sensitivity of the centre to the grid, darknet's scale_x_y of each level. */
const CENTRE_SCALES = [1.2, 1.1, 1.05]

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [255, 255, 255],
  geometry: letterbox('centre', 128, 'floor'),
  size: { width: SIZE, height: SIZE },
  stride: 32,
}

/**
 * YOLOv4 as the ONNX model zoo has it: three raw heads, channels last.
 *
 * head0…2  float [1, h, w, 3, 5 + classes], fine level first: xy = (σ·S − (S − 1)/2 + cell) · stride,
 *          wh = exp · anchor; objectness and classes already 0–1 in the published file, logits in others
 * options  anchors, strides, centreScales
 * source   onnx/models `vision/object_detection_segmentation/yolov4` README (get_anchors, postprocess_bbbox)
 * cost     the plain YOLOv3 centre (S = 1) shifts boxes near cell edges by up to a tenth of a cell
 */
export const yolov4Zoo: Family = {
  name: 'yolov4-zoo',
  title: 'YOLOv4 of the ONNX model zoo',
  recognise,
  decode(outputs, context) {
    const list = new CandidateList()
    for (let level = 0; level < LEVELS; level++) {
      decodeLevel(outputs, context, level, list)
    }
    return list.finish('input')
  },
  settle,
}

function decodeLevel(outputs: RoleTensors, context: DecodeContext, level: number, list: CandidateList): void {
  const role = `head${level}`
  const { classes, options } = context.contract.output
  const anchors = levelOptions(context, 'anchors', LEVELS, 2 * ANCHORS_PER_CELL, ANCHORS)[level]!
  const stride = strideOptions(context, STRIDES)[level] ?? Number.NaN
  const scale = Number((options.centreScales as number[] | undefined)?.[level] ?? CENTRE_SCALES[level])
  const columns = FIXED_COLUMNS + classes
  const dims = roleTensor(outputs, role).dims
  const across = dims[2]!
  const cells = dims[1]! * across
  const values = roleValues(outputs, role, context)
  if (values.length !== cells * ANCHORS_PER_CELL * columns) {
    throw mismatch(`${cells} × ${ANCHORS_PER_CELL} × ${columns} values for "${role}"`, `${values.length}`)
  }
  const probability = context.contract.output.scoreActivation === 'sigmoid' ? sigmoid : (p: number) => p
  for (let row = 0, at = 0; row < cells * ANCHORS_PER_CELL; row++, at += columns) {
    const objectness = probability(values[at + 4]!)
    if (objectness < context.minScore) {
      continue
    }
    const classId = argmax(values, at + FIXED_COLUMNS, classes)
    const score = objectness * probability(values[at + FIXED_COLUMNS + classId]!)
    if (score < context.minScore) {
      continue
    }
    const cell = Math.floor(row / ANCHORS_PER_CELL)
    const anchor = 2 * (row % ANCHORS_PER_CELL)
    const shift = (scale - 1) / 2
    const x = (sigmoid(values[at]!) * scale - shift + (cell % across)) * stride
    const y = (sigmoid(values[at + 1]!) * scale - shift + Math.floor(cell / across)) * stride
    const halfWidth = (Math.exp(values[at + 2]!) * anchors[anchor]!) / 2
    const halfHeight = (Math.exp(values[at + 3]!) * anchors[anchor + 1]!) / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, row)
  }
}

interface Level {
  output: TensorInfo
  columns: number
  /** Cells down, where the file says. */
  down: number | undefined
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 3) {
    return undefined
  }
  const levels = signature.outputs.map(levelOf).filter((level) => level !== undefined)
  const columns = levels[0]?.columns
  if (levels.length !== 3 || columns === undefined) {
    return undefined
  }
  if (levels.some((level) => level.columns !== columns)) {
    return undefined
  }
  // Free axes keep the order of the file, which is fine first in the published one.
  const sorted = levels.every(({ down }) => down !== undefined)
    ? levels.sort((a, b) => b.down! - a.down!)
    : levels
  const isZoo = signature.opsets['ai.onnx'] !== undefined && described.input.layout === 'NHWC'
  return describe(
    {
      family: 'yolov4-zoo',
      confidence: isZoo ? 0.93 : 0.8,
      input: described.input,
      roles: Object.fromEntries(sorted.map(({ output }, i) => [`head${i}`, output.name])),
      boxCode: 'head',
      classes: columns - FIXED_COLUMNS,
      options: { anchors: ANCHORS, strides: STRIDES, centreScales: CENTRE_SCALES },
      score: 0.25,
      suppression: perClass(0.45),
      unsettled: ['output.scoreActivation'],
      evidence: [
        evidence(
          'output',
          `three raw heads with three anchors and ${columns - FIXED_COLUMNS} classes, channels last`,
          'three outputs of rows × columns × 3 anchors × five channels more than classes',
          0.9,
        ),
        evidence(
          'output.options.anchors',
          'the anchors of YOLOv4',
          'anchors are not in the file; the published one of this layout uses these',
          0.6,
        ),
        evidence('output.scoreActivation', 'none', 'the published file holds probabilities', 0.6),
        evidence(
          'input',
          'RGB scaled to 0–1, centred letterbox padded with 128',
          'the ONNX model zoo documents this',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}

function levelOf(output: TensorInfo): Level | undefined {
  const shape = (output.shape ?? []).map(fixed)
  if (shape.length !== 5 || shape[3] !== ANCHORS_PER_CELL) {
    return undefined
  }
  const columns = shape[4]
  if (columns === undefined || columns <= FIXED_COLUMNS) {
    return undefined
  }
  return { output, columns, down: shape[1] }
}

function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const columns = recognition.contract.output.classes + FIXED_COLUMNS
  const values = floats(roleTensor(outputs, 'head2'))
  const needs = isLogits(values, 4, Math.floor(values.length / columns), columns)
  const activation = needs ? 'sigmoid' : 'none'
  return settled(recognition, { scoreActivation: activation }, [
    evidence(
      'output.scoreActivation',
      activation,
      `in a probe run the objectness was ${needs ? 'outside' : 'within'} 0–1`,
      0.95,
    ),
  ])
}
