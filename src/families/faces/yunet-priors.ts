import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { halvedGrids, priorBoxes, priorCount } from '../heads/prior-boxes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

const POINTS = 5
/** Four box values and five points. */
const LOCATION_COLUMNS = 14
const CENTRE_VARIANCE = 0.1
const SIZE_VARIANCE = 0.2

const PREPROCESS: Preprocess = {
  colour: 'BGR',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  geometry: stretch(),
  size: { width: 320, height: 240 },
  stride: 32,
}

/**
 * YuNet of 2021 and 2022: faces with five landmarks against priors. No batch axis.
 *
 * location    float [n, 14]: box offsets against the prior (centre + 0.1 · v · size, size · exp(0.2 · v)), then
 *             five points (centre + 0.1 · v · size)
 * confidence  float [n, 2], background and face
 * overlap     float [n, 1], expected IoU; score = √(face · overlap)
 * source      opencv_zoo `models/face_detection_yunet` of 2021, libfacedetection `opencv_dnn/python/priorbox.py`
 * cost        the three come in any order from converters; columns tell them apart. OpenCV's demos take 0.1 for
 *             the width, which makes faces a tenth too wide beside those of YuNet 2023
 */
export const yunetPriors: Family = {
  name: 'yunet-priors',
  title: 'YuNet before 2023',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const location = roleValues(outputs, 'location', context)
  const confidence = roleValues(outputs, 'confidence', context)
  const overlap = roleValues(outputs, 'overlap', context)
  const { input } = context.letterbox
  const priors = priorBoxes(input, halvedGrids(input))
  const rows = overlap.length
  if (priors.length !== rows * 4 || location.length !== rows * LOCATION_COLUMNS) {
    throw mismatch(
      `${priors.length / 4} priors for an input of ${input.width}×${input.height}`,
      `${rows} rows`,
    )
  }
  const list = new CandidateList()
  const points: number[] = []
  for (let row = 0; row < rows; row++) {
    const score = Math.sqrt(unit(confidence[row * 2 + 1]!) * unit(overlap[row]!))
    if (score < context.minScore) {
      continue
    }
    const [priorX, priorY, priorWidth, priorHeight] = priors.subarray(row * 4, row * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ]
    const at = row * LOCATION_COLUMNS
    const pointX = (v: number) => (priorX + v * CENTRE_VARIANCE * priorWidth) * input.width
    const pointY = (v: number) => (priorY + v * CENTRE_VARIANCE * priorHeight) * input.height
    const x = pointX(location[at]!)
    const y = pointY(location[at + 1]!)
    const halfWidth = (priorWidth * Math.exp(location[at + 2]! * SIZE_VARIANCE) * input.width) / 2
    const halfHeight = (priorHeight * Math.exp(location[at + 3]! * SIZE_VARIANCE) * input.height) / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, 0, row)
    for (let k = at + 4; k < at + LOCATION_COLUMNS; k += 2) {
      points.push(pointX(location[k]!), pointY(location[k + 1]!), 1)
    }
  }
  return { ...list.finish('input'), keypoints: { perCandidate: POINTS, values: Float32Array.from(points) } }
}

const unit = (value: number): number => Math.min(Math.max(value, 0), 1)

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 3 || signature.inputs.length > 1) {
    return undefined
  }
  const byColumns = (columns: number) =>
    signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === columns)
  const location = byColumns(LOCATION_COLUMNS)
  const confidence = byColumns(2)
  const overlap = byColumns(1)
  if (location === undefined || confidence === undefined || overlap === undefined) {
    return undefined
  }
  const rows = declaredAxes(location, 2)?.[0]
  const priors = priorCount(halvedGrids(described.input.size))
  if (rows !== undefined && rows !== priors) {
    return undefined
  }
  const { dynamic: _dynamic, ...input } = described.input
  return describe(
    {
      family: 'yunet-priors',
      confidence: 0.95,
      input,
      roles: { location: location.name, confidence: confidence.name, overlap: overlap.name },
      boxCode: 'head',
      classes: 1,
      score: 0.6,
      suppression: perClass(0.3),
      labels: ['face'],
      evidence: [
        evidence(
          'output',
          'offsets of box and landmarks, face score and expected overlap for each prior',
          'three outputs with 14, 2 and 1 columns',
          0.95,
        ),
        evidence('input', 'BGR 0–255, stretched', 'OpenCV, which YuNet is made for, feeds it so', 0.85),
      ],
    },
    signature.outputs,
  )
}
