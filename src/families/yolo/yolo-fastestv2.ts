import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { levelOptions } from '../heads/options.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { takeClasses } from '../heads/rows.ts'
import { fixed, gridCells } from '../heads/shapes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

const STRIDES = [16, 32]
const ANCHORS_PER_CELL = 3
/** Twelve box values and three objectnesses before the classes, which the anchors of a cell share. */
const FIXED_COLUMNS = 5 * ANCHORS_PER_CELL
/** `data/coco.data`, widths and heights in pixels of an input of 352. */
const ANCHORS = [
  [12.64, 19.39, 37.88, 51.48, 55.71, 138.31],
  [126.91, 78.23, 131.57, 214.55, 279.92, 258.87],
]

/**
 * YOLO-FastestV2: two grids of three anchors.
 *
 * predictions    float [cells, 15 + classes], the cells of stride 16, then of 32; or
 * level0, level1 float [1, h, w, 15 + classes]
 *                three times four box values, three objectnesses, classes; all already 0–1.
 *                xy = (2v − 0.5 + cell) · stride, wh = (2v)² · anchor
 * options        anchors, in input pixels
 * source         dog-qiuqiu/Yolo-FastestV2 `utils/utils.py` handel_preds, `pytorch2onnx.py`
 * cost           classes belong to the cell, not to the anchor: read per anchor every column is shifted
 */
export const yoloFastestV2: Family = {
  name: 'yolo-fastestv2',
  title: 'YOLO-FastestV2',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { classes } = context.contract.output
  const anchors = levelOptions(context, 'anchors', STRIDES.length, 2 * ANCHORS_PER_CELL, ANCHORS)
  const { input } = context.letterbox
  const columns = FIXED_COLUMNS + classes
  const list = new CandidateList()
  let from = 0
  for (const [level, stride] of STRIDES.entries()) {
    const role = outputs.predictions === undefined ? `level${level}` : 'predictions'
    const values = roleValues(outputs, role, context)
    const cells = gridCells(input, [stride])
    if (role !== 'predictions') {
      from = 0
    }
    if (values.length < (from + cells) * columns) {
      throw mismatch(`${from + cells} cells of ${columns} values`, `${values.length} values`)
    }
    const shape = { stride, across: Math.ceil(input.width / stride), cells, from, columns }
    decodeLevel(values, shape, anchors[level]!, context, list)
    from += cells
  }
  return list.finish('input')
}

interface LevelShape {
  stride: number
  across: number
  cells: number
  from: number
  columns: number
}

function decodeLevel(
  values: Float32Array,
  { stride, across, cells, from, columns }: LevelShape,
  anchors: readonly number[],
  context: DecodeContext,
  list: CandidateList,
): void {
  for (let cell = 0; cell < cells; cell++) {
    const at = (from + cell) * columns
    for (let anchor = 0; anchor < ANCHORS_PER_CELL; anchor++) {
      const objectness = values[at + 4 * ANCHORS_PER_CELL + anchor]!
      if (objectness < context.minScore) {
        continue
      }
      const box = at + 4 * anchor
      const x = (2 * values[box]! - 0.5 + (cell % across)) * stride
      const y = (2 * values[box + 1]! - 0.5 + Math.floor(cell / across)) * stride
      const halfWidth = ((2 * values[box + 2]!) ** 2 * anchors[2 * anchor]!) / 2
      const halfHeight = ((2 * values[box + 3]!) ** 2 * anchors[2 * anchor + 1]!) / 2
      takeClasses(values, at + FIXED_COLUMNS, objectness, context, (classId, score) =>
        list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, from + cell),
      )
    }
  }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.bgrUnitStretch)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const { size } = described.input
  const head = oneOutput(signature.outputs, size) ?? twoOutputs(signature.outputs, size)
  if (head === undefined || head.columns <= FIXED_COLUMNS) {
    return undefined
  }
  const classes = head.columns - FIXED_COLUMNS
  const names = metadataLabels(signature.metadata)
  if (names !== undefined && names.length !== classes) {
    return undefined
  }
  return describe(
    {
      family: 'yolo-fastestv2',
      confidence: 0.93,
      input: described.input,
      roles: head.roles,
      boxCode: 'head',
      classes,
      options: { anchors: ANCHORS.map((level) => level.map((edge, i) => scaled(edge, i, size))) },
      score: 0.3,
      suppression: perClass(0.4),
      evidence: [
        evidence(
          'output',
          `three anchors and ${classes} shared class scores per cell of strides ${STRIDES.join(' and ')}`,
          'the rows are the cells of these two strides and no others',
          0.93,
        ),
        evidence(
          'output.options.anchors',
          'the anchors of the published COCO model',
          'anchors are not in the file; a model trained on other data has its own in its .data file',
          names === undefined ? 0.7 : 0.4,
        ),
        evidence('input', 'BGR scaled to 0–1, stretched', 'YOLO-FastestV2 is trained so', 0.85),
      ],
    },
    signature.outputs,
  )
}

/** Anchors are given for an input of 352 and grow with it. */
const scaled = (edge: number, index: number, size: { width: number; height: number }): number =>
  (edge * (index % 2 === 0 ? size.width : size.height)) / 352

interface Head {
  roles: Record<string, string>
  columns: number
}

function oneOutput(
  outputs: readonly TensorInfo[],
  size: { width: number; height: number },
): Head | undefined {
  const [output] = outputs
  if (output === undefined || outputs.length !== 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  return rows === gridCells(size, STRIDES) && columns !== undefined
    ? { roles: { predictions: output.name }, columns }
    : undefined
}

function twoOutputs(
  outputs: readonly TensorInfo[],
  size: { width: number; height: number },
): Head | undefined {
  if (outputs.length !== 2) {
    return undefined
  }
  const levels = STRIDES.map((stride) =>
    outputs.find(({ shape }) => shape?.length === 4 && fixed(shape[1]) === Math.ceil(size.height / stride)),
  )
  const columns = levels.map((level) => fixed(level?.shape?.[3]))
  const [fine, coarse] = levels
  if (fine === undefined || coarse === undefined || columns[0] === undefined) {
    return undefined
  }
  return columns[0] === columns[1]
    ? { roles: { level0: fine.name, level1: coarse.name }, columns: columns[0] }
    : undefined
}
