import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { logit, mismatch, roleValues, sigmoid } from '../heads/values.ts'

/** Four box values and six points. */
const COLUMNS = 16
const POINTS = 6

/** Cells a side and anchors a cell of each grid, by the number of rows: short and back camera, full range. */
const GRIDS: Record<number, readonly (readonly [cells: number, anchors: number])[]> = {
  896: [
    [16, 2],
    [8, 6],
  ],
  2304: [[48, 1]],
}

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  geometry: stretch(),
  size: { width: 128, height: 128 },
  stride: 1,
}

/**
 * BlazeFace of MediaPipe: faces with six landmarks.
 *
 * regressors  float [1, 896, 16]: centre x, centre y, width, height, then six points, in model-input pixels from
 *             the middle of the anchor's cell
 * scores      float [1, 896, 1], logits
 * source      google/mediapipe `modules/face_detection/face_detection_short_range.pbtxt`,
 *             `calculators/tflite/ssd_anchors_calculator.cc`
 * cost        anchors are points here: times a prior's size, as SSD has it, every box shrinks to nothing
 */
export const blazeface: Family = {
  name: 'blazeface',
  title: 'BlazeFace',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const scores = roleValues(outputs, 'scores', context)
  const values = roleValues(outputs, 'regressors', context)
  const { input } = context.letterbox
  const anchors = anchorPoints(scores.length, input)
  if (anchors === undefined || values.length !== scores.length * COLUMNS) {
    throw mismatch(
      '896 or 2304 rows of sixteen values',
      `${scores.length} scores and ${values.length} values`,
    )
  }
  const least = logit(context.minScore)
  const list = new CandidateList()
  const points: number[] = []
  for (let row = 0; row < scores.length; row++) {
    if (scores[row]! < least) {
      continue
    }
    const at = row * COLUMNS
    const anchorX = anchors[row * 2]!
    const anchorY = anchors[row * 2 + 1]!
    const x = anchorX + values[at]!
    const y = anchorY + values[at + 1]!
    const halfWidth = values[at + 2]! / 2
    const halfHeight = values[at + 3]! / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, sigmoid(scores[row]!), 0, row)
    for (let k = at + 4; k < at + COLUMNS; k += 2) {
      points.push(anchorX + values[k]!, anchorY + values[k + 1]!, 1)
    }
  }
  return { ...list.finish('input'), keypoints: { perCandidate: POINTS, values: Float32Array.from(points) } }
}

/** x and y of each anchor in model-input pixels: the middle of its cell. */
function anchorPoints(rows: number, input: Size): Float32Array | undefined {
  const grids = GRIDS[rows]
  if (grids === undefined) {
    return undefined
  }
  const values = new Float32Array(rows * 2)
  let at = 0
  for (const [cells, anchors] of grids) {
    for (let cell = 0; cell < cells * cells; cell++) {
      for (let anchor = 0; anchor < anchors; anchor++) {
        values[at++] = (((cell % cells) + 0.5) / cells) * input.width
        values[at++] = ((Math.floor(cell / cells) + 0.5) / cells) * input.height
      }
    }
  }
  return values
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 2 || signature.inputs.length > 1) {
    return undefined
  }
  const regressors = signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === COLUMNS)
  const scores = signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === 1)
  if (regressors === undefined || scores === undefined) {
    return undefined
  }
  const rows = declaredAxes(regressors, 2)?.[0]
  if (rows === undefined || GRIDS[rows] === undefined) {
    return undefined
  }
  return describe(
    {
      family: 'blazeface',
      confidence: 0.97,
      input: described.input,
      roles: { regressors: regressors.name, scores: scores.name },
      boxCode: 'head',
      scoreActivation: 'sigmoid',
      classes: 1,
      score: 0.5,
      suppression: perClass(0.3),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          'boxes with six landmarks and face logits for each anchor',
          `${rows} rows of sixteen and of one value`,
          0.97,
        ),
        evidence('input', 'RGB scaled to −1…1, stretched', 'BlazeFace is trained so', 0.85),
      ],
    },
    signature.outputs,
  )
}
