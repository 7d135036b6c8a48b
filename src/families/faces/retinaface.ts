import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { type Grid, priorBoxes } from '../heads/prior-boxes.ts'
import { tailOf } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { lastAxes, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'
import { isLogits, settled } from '../settle.ts'

/** `data/config.py` of Pytorch_Retinaface: two square priors a cell. */
const STRIDES = [8, 16, 32]
const PRIOR_SIZES = [
  [16, 32],
  [64, 128],
  [256, 512],
]
const PRIORS_PER_CELL = 2
const CENTRE_VARIANCE = 0.1
const SIZE_VARIANCE = 0.2

/** What is found, by its landmarks: eyes, nose and corners of the mouth, or the corners of a plate. */
const KINDS: Record<number, { label: string; points: number }> = {
  10: { label: 'face', points: 5 },
  8: { label: 'license plate', points: 4 },
}

/** Larger pictures are reduced to this: the reference stops at 2,150, where a pass takes seconds. */
const LONGEST_EDGE = 1600

const MEANS: [number, number, number] = [104, 117, 123]
const PREPROCESS: Preprocess = {
  colour: 'BGR',
  mean: MEANS,
  std: [1, 1, 1],
  geometry: letterbox('top-left', 0),
  size: { width: 640, height: 640 },
  stride: 32,
}

/**
 * RetinaFace for faces, and the finders of licence plates made from it.
 *
 * location    float [1, n, 4]: offsets against priors: centre + 0.1 · v · size, size · exp(0.2 · v)
 * confidence  float [1, n, 2], background and object; softmax done or not by the last operators, else by a run
 * landmarks   float [1, n, 10] or [1, n, 8]: points, centre + 0.1 · v · size of the prior
 * source      biubug6/Pytorch_Retinaface `layers/functions/prior_box.py`, `utils/box_utils.py`, `detect.py`;
 *             zeusees/License-Plate-Detector
 * cost        the mean in RGB order loses the weaker faces; priors of another network put boxes of the wrong size
 *             in the right places
 */
export const retinaface: Family = {
  name: 'retinaface',
  title: 'RetinaFace (faces, licence plates)',
  recognise,
  decode,
  settle,
}

const grids = ({ width, height }: Size): Grid[] =>
  STRIDES.map((stride) => ({ across: Math.ceil(width / stride), down: Math.ceil(height / stride) }))

const priorCount = (size: Size): number =>
  grids(size).reduce((sum, { across, down }) => sum + across * down * PRIORS_PER_CELL, 0)

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'landmarks'), 2, 'landmarks') as [number, number]
  const location = roleValues(outputs, 'location', context)
  const confidence = roleValues(outputs, 'confidence', context)
  const landmarks = roleValues(outputs, 'landmarks', context)
  const { input } = context.letterbox
  const priors = priorBoxes(input, grids(input), STRIDES, PRIOR_SIZES)
  if (priors.length !== rows * 4 || location.length !== rows * 4 || confidence.length !== rows * 2) {
    throw mismatch(
      `${priors.length / 4} priors for an input of ${input.width}×${input.height}`,
      `${rows} rows`,
    )
  }
  const isProbability = context.contract.output.scoreActivation === 'none'
  const list = new CandidateList()
  const points: number[] = []
  for (let row = 0; row < rows; row++) {
    const object = confidence[row * 2 + 1]!
    const score = isProbability ? object : sigmoid(object - confidence[row * 2]!)
    if (!(score >= context.minScore)) {
      continue
    }
    const prior = row * 4
    const [priorX, priorY, wide, tall] = [
      priors[prior]!,
      priors[prior + 1]!,
      priors[prior + 2]!,
      priors[prior + 3]!,
    ]
    const pointX = (v: number) => (priorX + v * CENTRE_VARIANCE * wide) * input.width
    const pointY = (v: number) => (priorY + v * CENTRE_VARIANCE * tall) * input.height
    const x = pointX(location[prior]!)
    const y = pointY(location[prior + 1]!)
    const halfWidth = (wide * Math.exp(location[prior + 2]! * SIZE_VARIANCE) * input.width) / 2
    const halfHeight = (tall * Math.exp(location[prior + 3]! * SIZE_VARIANCE) * input.height) / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, 0, row)
    for (let at = row * columns; at + 1 < (row + 1) * columns; at += 2) {
      points.push(pointX(landmarks[at]!), pointY(landmarks[at + 1]!), 1)
    }
  }
  const perCandidate = Math.floor(columns / 2)
  return { ...list.finish('input'), keypoints: { perCandidate, values: Float32Array.from(points) } }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const { outputs } = signature
  if (described === undefined || outputs.length !== 3 || signature.inputs.length > 1) {
    return undefined
  }
  const columns = outputs.map((output) => columnsOf(signature, output))
  const at = (wanted: number) => outputs[columns.indexOf(wanted)]
  const kind = columns.map((width) => (width === undefined ? undefined : KINDS[width])).find(Boolean)
  const location = at(4)
  const confidence = at(2)
  const landmarks = outputs.find((output) => output !== location && output !== confidence)
  if (kind === undefined || location === undefined || confidence === undefined || landmarks === undefined) {
    return undefined
  }
  const { picture } = described
  const isFixed = picture.width !== undefined && picture.height !== undefined
  const rows = declaredAxes(location, 2)?.[0]
  const isProven = [location, confidence, landmarks].every((output) => hasThreeLayers(signature, output))
  if (rows === undefined ? !isProven : isFixed && rows !== priorCount(described.input.size)) {
    return undefined
  }
  const tail = tailOf(signature, confidence.name)
  const isSoftmax = tail?.ops.includes('Softmax') === true
  const isKnown = tail !== undefined && tail.weightedChannels.length > 0
  const { dynamic: _, ...input } = described.input
  return describe(
    {
      family: 'retinaface',
      confidence: isProven ? 0.96 : 0.85,
      input: isFixed
        ? input
        : {
            ...input,
            dynamic: { stride: PREPROCESS.stride },
            geometry: { ...input.geometry, fit: 'none', longestEdge: LONGEST_EDGE },
          },
      roles: { location: location.name, confidence: confidence.name, landmarks: landmarks.name },
      boxCode: 'head',
      scoreActivation: isSoftmax || !isKnown ? 'none' : 'softmax',
      classes: 1,
      score: 0.6,
      suppression: perClass(0.4),
      labels: [kind.label],
      unsettled: isKnown ? [] : ['output.scoreActivation'],
      evidence: [
        evidence(
          'output',
          `offsets against priors, two scores and ${kind.points} landmarks: a ${kind.label} each`,
          isProven
            ? 'three outputs of 4, 2 and twice as many columns as landmarks, from a layer for each stride'
            : 'three outputs of 4, 2 and twice as many columns as landmarks',
          isProven ? 0.96 : 0.85,
        ),
        evidence(
          'input',
          `BGR less the means 104, 117, 123, ${isFixed ? 'letterbox at the top left' : 'as large as it is'}`,
          'RetinaFace is trained so',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}

/** Columns that the file declares, or that the last layers have for each prior. */
function columnsOf(signature: ModelSignature, output: TensorInfo): number | undefined {
  const declared = declaredAxes(output, 2)?.[1]
  if (declared !== undefined || output.shape?.length !== 3) {
    return declared
  }
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  const [width] = layers
  return width !== undefined && layers.length === STRIDES.length && layers.every((other) => other === width)
    ? width / PRIORS_PER_CELL
    : undefined
}

const hasThreeLayers = (signature: ModelSignature, output: TensorInfo): boolean => {
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  const columns = columnsOf(signature, output)
  return layers.length === STRIDES.length && layers.every((width) => width === PRIORS_PER_CELL * columns!)
}

/** Probabilities stay within 0 and 1; logits do not. */
function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const values = floats(roleTensor(outputs, 'confidence'))
  const isRaw = isLogits(values)
  return settled(recognition, { scoreActivation: isRaw ? 'softmax' : 'none' }, [
    evidence(
      'output.scoreActivation',
      isRaw ? 'scores are logits' : 'scores are probabilities',
      `in a probe run ${isRaw ? 'some were' : 'none was'} outside 0–1`,
      0.93,
    ),
  ])
}
