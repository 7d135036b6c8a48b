import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { ceiledGrids, FACE_PRIOR_SIZES, priorBoxes, priorCount } from '../heads/prior-boxes.ts'
import { sameWidths, tailOf } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'
import { settled } from '../settle.ts'

/** `vision/ssd/config/fd_config.py`. */
const CENTRE_VARIANCE = 0.1
const SIZE_VARIANCE = 0.2
/** Share of rows that are proper corners when boxes are decoded; offsets are so by chance only. */
const CORNER_SHARE = 0.98

/** Four values for each of the three, two, two and three priors of a cell. */
const BOX_LAYERS = FACE_PRIOR_SIZES.map((sizes) => 4 * sizes.length)

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [127, 127, 127],
  std: [128, 128, 128],
  geometry: stretch(),
  size: { width: 320, height: 240 },
  stride: 1,
}

/**
 * UltraFace (version-RFB and version-slim), decoded or raw.
 *
 * scores  float [1, n, 2], background and face, softmax done; n = 4,420 at 320 × 240
 * boxes   float [1, n, 4]: corners as fractions of the input, or in files `…_without_postprocessing` offsets
 *         against priors: centre = prior + 0.1 · v · size, size = prior · exp(0.2 · v)
 * options decoded
 * source  Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB `vision/utils/box_utils.py`
 * cost    both kinds have the same shapes and names; raw offsets read as corners put all faces in the corner
 */
export const ultraface: Family = {
  name: 'ultraface',
  title: 'UltraFace',
  recognise,
  decode,
  settle,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows] = lastAxes(roleTensor(outputs, 'scores'), 2, 'scores') as [number, number]
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  const { input } = context.letterbox
  const decoded = context.contract.output.options.decoded === true
  const priors = decoded ? undefined : priorBoxes(input, ceiledGrids(input))
  if (boxes.length !== rows * 4 || (priors !== undefined && priors.length !== rows * 4)) {
    throw mismatch(
      `boxes for ${rows} priors of an input of ${input.width}×${input.height}`,
      `${boxes.length / 4} boxes and ${(priors ?? boxes).length / 4} priors`,
    )
  }
  const list = new CandidateList()
  for (let row = 0; row < rows; row++) {
    const score = scores[row * 2 + 1]!
    if (score < context.minScore) {
      continue
    }
    const at = row * 4
    let [x1, y1, x2, y2] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number]
    if (priors !== undefined) {
      const width = priors[at + 2]! * Math.exp(x2 * SIZE_VARIANCE)
      const height = priors[at + 3]! * Math.exp(y2 * SIZE_VARIANCE)
      const x = priors[at]! + x1 * CENTRE_VARIANCE * priors[at + 2]!
      const y = priors[at + 1]! + y1 * CENTRE_VARIANCE * priors[at + 3]!
      ;[x1, y1, x2, y2] = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    }
    list.add(x1 * input.width, y1 * input.height, x2 * input.width, y2 * input.height, score, 0, row)
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 2 || signature.inputs.length > 1) {
    return undefined
  }
  const boxes = signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === 4)
  const scores = signature.outputs.find((output) => declaredAxes(output, 2)?.[1] === 2)
  if (boxes === undefined || scores === undefined) {
    return undefined
  }
  const rows = declaredAxes(scores, 2)?.[0]
  const priors = priorCount(ceiledGrids(described.input.size))
  if (rows !== undefined && rows !== priors) {
    return undefined
  }
  const tail = tailOf(signature, boxes.name)
  const layers = tail?.weightedChannels ?? []
  // One layer a level: a classifier with a box beside it has one alone.
  if (layers.length > 0 && !sameWidths(layers, BOX_LAYERS)) {
    return undefined
  }
  if (rows === undefined && layers.length === 0) {
    return undefined
  }
  const decoded = tail !== undefined && (tail.ops.includes('Exp') || tail.hasLargeConstant)
  const isKnown = tail !== undefined && tail.ops.length > 0
  return describe(
    {
      family: 'ultraface',
      confidence: rows === priors || layers.length > 0 ? 0.95 : 0.5,
      input: described.input,
      roles: { scores: scores.name, boxes: boxes.name },
      boxCode: decoded ? 'xyxy' : 'head',
      boxUnits: 'ratio',
      classes: 1,
      options: { decoded },
      score: 0.7,
      suppression: perClass(0.3),
      labels: ['face'],
      unsettled: isKnown ? [] : ['output.options.decoded'],
      evidence: [
        evidence(
          'output',
          'background and face scores, and a box, for each prior',
          `${rows ?? 'as many'} rows are the priors of an input of ${described.input.size.width}×${described.input.size.height}`,
          rows === priors ? 0.95 : 0.5,
        ),
        decodedEvidence(
          decoded,
          decoded
            ? 'the graph has an exponential or priors after the last layers'
            : 'neither an exponential nor priors follow the last layers',
          isKnown ? 0.92 : 0.5,
        ),
        evidence('input', 'RGB less 127 by 128, stretched', 'UltraFace is trained so', 0.9),
      ],
    },
    signature.outputs,
  )
}

const decodedEvidence = (decoded: boolean, reason: string, confidence: number) =>
  evidence(
    'output.options.decoded',
    decoded ? 'boxes are corners in fractions' : 'boxes are offsets against priors',
    reason,
    confidence,
  )

/** Decoded boxes are corners in nearly every row, whatever the picture. */
function settle(outputs: RoleTensors, recognition: Recognition, input: Size): Recognition {
  const boxes = floats(roleTensor(outputs, 'boxes'))
  let cornered = 0
  for (let at = 0; at < boxes.length; at += 4) {
    if (boxes[at + 2]! > boxes[at]! && boxes[at + 3]! > boxes[at + 1]!) {
      cornered++
    }
  }
  const decoded = cornered >= (CORNER_SHARE * boxes.length) / 4
  return settled(
    recognition,
    {
      boxCode: decoded ? 'xyxy' : 'head',
      options: { ...recognition.contract.output.options, decoded },
    },
    [
      decodedEvidence(
        decoded,
        `in a probe run of ${input.width}×${input.height}, ${cornered} of ${boxes.length / 4} rows were corners`,
        0.95,
      ),
    ],
  )
}
