import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { strideOptions } from '../heads/options.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { gridCells } from '../heads/shapes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

const THREE_STRIDES = [8, 16, 32]
const FIVE_STRIDES = [8, 16, 32, 64, 128]
const POINTS = 5

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [127.5, 127.5, 127.5],
  std: [128, 128, 128],
  geometry: letterbox('top-left', 0, 'floor'),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * SCRFD (InsightFace): faces, in some files with five landmarks, against points rather than boxes.
 *
 * score0…N   float [cells · anchors, 1], 0–1
 * box0…N     float [cells · anchors, 4]: left, top, right, bottom from the corner of the cell, in strides
 * points0…N  float [cells · anchors, 10]: x, y from the corner of the cell, in strides
 *            strides 8, 16, 32 with two anchors a cell, or 8 to 128 with one; anchors of a cell follow each other
 * options    strides
 * source     deepinsight/insightface `detection/scrfd/tools/scrfd.py`
 * cost       the middle of the cell instead of its corner shifts faces by 4 to 16 pixels
 */
export const scrfd: Family = {
  name: 'scrfd',
  title: 'SCRFD',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const strides = strideOptions(context)
  const { input } = context.letterbox
  const list = new CandidateList()
  const points: number[] = []
  const hasPoints = outputs.points0 !== undefined
  for (const [level, stride] of strides.entries()) {
    const scores = roleValues(outputs, `score${level}`, context)
    const boxes = roleValues(outputs, `box${level}`, context)
    const marks = hasPoints ? roleValues(outputs, `points${level}`, context) : undefined
    const across = Math.ceil(input.width / stride)
    const anchors = scores.length / gridCells(input, [stride])
    if (!Number.isInteger(anchors) || anchors === 0 || boxes.length !== scores.length * 4) {
      throw mismatch(
        `a multiple of ${gridCells(input, [stride])} rows for stride ${stride}`,
        `${scores.length} scores and ${boxes.length / 4} boxes`,
      )
    }
    for (let row = 0; row < scores.length; row++) {
      const score = scores[row]!
      if (score < context.minScore) {
        continue
      }
      const cell = Math.floor(row / anchors)
      const x = (cell % across) * stride
      const y = Math.floor(cell / across) * stride
      const at = row * 4
      list.add(
        x - boxes[at]! * stride,
        y - boxes[at + 1]! * stride,
        x + boxes[at + 2]! * stride,
        y + boxes[at + 3]! * stride,
        score,
        0,
        row,
      )
      if (marks === undefined) {
        continue
      }
      for (let k = row * 2 * POINTS; k < (row + 1) * 2 * POINTS; k += 2) {
        points.push(x + marks[k]! * stride, y + marks[k + 1]! * stride, 1)
      }
    }
  }
  const found = list.finish('input')
  return hasPoints
    ? { ...found, keypoints: { perCandidate: POINTS, values: Float32Array.from(points) } }
    : found
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const groups = groupByColumns(signature.outputs)
  if (groups === undefined) {
    return undefined
  }
  const { scores, boxes, points } = groups
  const strides = scores.length === 5 ? FIVE_STRIDES : THREE_STRIDES
  if (scores.length !== strides.length) {
    return undefined
  }
  const roles: Record<string, string> = {}
  for (const level of strides.keys()) {
    roles[`score${level}`] = scores[level]!.name
    roles[`box${level}`] = boxes[level]!.name
    if (points.length > 0) {
      roles[`points${level}`] = points[level]!.name
    }
  }
  return describe(
    {
      family: 'scrfd',
      confidence: rowsFit(scores, strides, described.input.size) ? 0.95 : 0.85,
      input: described.input,
      roles,
      boxCode: 'head',
      classes: 1,
      options: { strides },
      score: 0.5,
      suppression: perClass(0.4),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          `face scores, distances${points.length > 0 ? ' and five landmarks' : ''} for strides ${strides.join(', ')}`,
          `${signature.outputs.length} outputs in groups of 1, 4${points.length > 0 ? ' and 10' : ''} columns`,
          0.92,
        ),
        evidence(
          'input',
          'RGB less 127.5 by 128, letterbox at the top left padded with black',
          'SCRFD is trained so',
          0.88,
        ),
      ],
    },
    signature.outputs,
  )
}

interface Groups {
  scores: TensorInfo[]
  boxes: TensorInfo[]
  points: TensorInfo[]
}

/** Outputs by their columns, each group from fine to coarse: by rows where declared, else as listed. */
function groupByColumns(outputs: readonly TensorInfo[]): Groups | undefined {
  const ofColumns = (columns: number) =>
    outputs
      .filter((output) => declaredAxes(output, 2)?.[1] === columns)
      .sort((a, b) => (declaredAxes(b, 2)?.[0] ?? 0) - (declaredAxes(a, 2)?.[0] ?? 0))
  const [scores, boxes, points] = [ofColumns(1), ofColumns(4), ofColumns(2 * POINTS)] as const
  const levels = scores.length
  const isWhole = levels + boxes.length + points.length === outputs.length
  const fits = levels >= 3 && boxes.length === levels && (points.length === 0 || points.length === levels)
  return isWhole && fits ? { scores, boxes, points } : undefined
}

const rowsFit = (
  scores: readonly TensorInfo[],
  strides: readonly number[],
  size: { width: number; height: number },
): boolean =>
  scores.every((output, level) => {
    const rows = declaredAxes(output, 2)?.[0]
    return rows !== undefined && rows % gridCells(size, [strides[level]!]) === 0
  })
