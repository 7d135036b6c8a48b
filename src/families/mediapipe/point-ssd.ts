import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { tailOf } from '../heads/shapes.ts'
import { logit, mismatch, roleValues, sigmoid } from '../heads/values.ts'
import { anchorPoints, arrangementOf } from './anchor-points.ts'

/** Grids that one file may give as outputs of their own. */
const MOST_PARTS = 3
/** Four values before the points of each row. */
const BOX_COLUMNS = 4

/** What differs between MediaPipe's detectors of one thing. */
export interface PointSsd {
  name: string
  title: string
  /** What is found. */
  label: string
  /** Landmarks of each. */
  points: number
  /** Least and most of what a channel is fed. */
  fed: '−1…1' | '0–1'
  score: number
}

/**
 * The detectors of MediaPipe: one class, boxes and landmarks from the middle of each anchor's cell.
 *
 * regressors  float [1, anchors, 4 + 2 · points]: centre x, centre y, width, height, then the points, in
 *             model-input pixels from the middle of the anchor's cell; or an output for each grid, `regressors0` …
 * scores      float [1, anchors, 1], logits; or `scores0` …
 * source      google/mediapipe `modules/{face,palm,pose}_detection/*.pbtxt`, `calculators/tensor/
 *             tensors_to_detections_calculator.cc`
 * cost        anchors are points here: times a prior's size, as SSD has it, every box shrinks to nothing. MediaPipe
 *             keeps the aspect of a picture and pads with black; stretched, the full range loses most faces
 */
export const pointSsd = (kind: PointSsd): Family => ({
  name: kind.name,
  title: kind.title,
  recognise: (signature) => recognise(signature, kind),
  decode: (outputs, context) => decode(outputs, context, kind),
})

function decode(outputs: RoleTensors, context: DecodeContext, { points }: PointSsd): Candidates {
  const columns = BOX_COLUMNS + 2 * points
  const scores = joinedRoles(outputs, context, 'scores')
  const values = joinedRoles(outputs, context, 'regressors')
  const { input } = context.letterbox
  const grids = arrangementOf(input, [scores.length])
  if (grids === undefined || values.length !== scores.length * columns) {
    throw mismatch(
      `rows of ${columns} values and a score for the anchors of ${input.width}×${input.height}`,
      `${scores.length} scores and ${values.length} values`,
    )
  }
  const anchors = anchorPoints(input, grids)
  const least = logit(context.minScore)
  const list = new CandidateList()
  const found: number[] = []
  for (let row = 0; row < scores.length; row++) {
    if (!(scores[row]! >= least)) {
      continue
    }
    const at = row * columns
    const anchorX = anchors[row * 2]!
    const anchorY = anchors[row * 2 + 1]!
    const x = anchorX + values[at]!
    const y = anchorY + values[at + 1]!
    const halfWidth = values[at + 2]! / 2
    const halfHeight = values[at + 3]! / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, sigmoid(scores[row]!), 0, row)
    for (let k = at + BOX_COLUMNS; k < at + columns; k += 2) {
      found.push(anchorX + values[k]!, anchorY + values[k + 1]!, 1)
    }
  }
  return {
    ...list.finish('input'),
    keypoints: { perCandidate: points, values: Float32Array.from(found) },
  }
}

/** Values of a role, or of its parts one after the other where each grid has an output. */
function joinedRoles(outputs: RoleTensors, context: DecodeContext, role: string): Float32Array {
  if (outputs[`${role}0`] === undefined) {
    return roleValues(outputs, role, context)
  }
  const parts: Float32Array[] = []
  while (outputs[`${role}${parts.length}`] !== undefined) {
    parts.push(roleValues(outputs, `${role}${parts.length}`, context))
  }
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function preprocessOf({ fed }: PointSsd): Preprocess {
  const isUnit = fed === '0–1'
  const middle = isUnit ? 0 : 127.5
  const span = isUnit ? 255 : 127.5
  return {
    colour: 'RGB',
    mean: [middle, middle, middle],
    std: [span, span, span],
    geometry: letterbox('centre', 0),
    size: { width: 128, height: 128 },
    stride: 1,
  }
}

function recognise(signature: ModelSignature, kind: PointSsd): Recognition | undefined {
  const described = describeInput(signature, preprocessOf(kind))
  const { outputs } = signature
  const parts = outputs.length / 2
  if (described === undefined || signature.inputs.length > 1 || parts > MOST_PARTS) {
    return undefined
  }
  const columns = BOX_COLUMNS + 2 * kind.points
  const regressors = outputs.filter((output) => declaredAxes(output, 2)?.[1] === columns).sort(moreRows)
  const scores = outputs.filter((output) => declaredAxes(output, 2)?.[1] === 1).sort(moreRows)
  const rows = regressors.map(rowsOf)
  if (regressors.length !== parts || scores.length !== parts || String(scores.map(rowsOf)) !== String(rows)) {
    return undefined
  }
  if (arrangementOf(described.input.size, rows) === undefined) {
    return undefined
  }
  const isOwn = regressors.every((output) => layersFit(signature, output, columns))
  if (!isOwn || !scores.every((output) => layersFit(signature, output, 1))) {
    return undefined
  }
  const roles = (role: string, of: readonly TensorInfo[]) =>
    of.map(({ name }, i): [string, string] => [of.length === 1 ? role : `${role}${i}`, name])
  return describe(
    {
      family: kind.name,
      confidence: 0.97,
      // A file of one size: the padding goes to its edges.
      input: described.input,
      roles: Object.fromEntries([...roles('regressors', regressors), ...roles('scores', scores)]),
      boxCode: 'head',
      scoreActivation: 'sigmoid',
      classes: 1,
      score: kind.score,
      suppression: perClass(0.3),
      labels: [kind.label],
      evidence: [
        evidence(
          'output',
          `boxes with ${kind.points} landmarks and ${kind.label} logits for each anchor`,
          `${rows.join(' and ')} rows of ${columns} and of one value are the anchors of ${described.input.size.width}×${described.input.size.height}`,
          0.97,
        ),
        evidence(
          'input',
          `RGB scaled to ${kind.fed}, centred letterbox padded with black`,
          'MediaPipe feeds its detectors so',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}

const rowsOf = (output: TensorInfo): number => declaredAxes(output, 2)?.[0] ?? 0

const moreRows = (a: TensorInfo, b: TensorInfo): number => rowsOf(b) - rowsOf(a)

/** Each last layer holds whole rows, of one anchor or of several. */
const layersFit = (signature: ModelSignature, output: TensorInfo, columns: number): boolean =>
  (tailOf(signature, output.name)?.weightedChannels ?? []).every((width) => width % columns === 0)
