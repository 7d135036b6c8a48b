import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, perClass } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { tailOf } from '../heads/shapes.ts'
import { lastAxes, logit, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'

const STRIDES = [8, 16, 32, 64, 128]
const SCALES = 3
const ASPECTS = [0.5, 1, 2]
/** Edge of the smallest anchor in cells; RetinaNet itself takes 4. */
const ANCHOR_SIZE = 3
/** Of these anchors, none is as far as e⁴ from its object. */
const LARGEST_LOG = 4

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  geometry: letterbox('centre', 0),
  size: { width: 256, height: 256 },
  stride: 1,
}

/**
 * Object detectors of MediaPipe Model Maker: RetinaNet on MobileNet, left before suppression.
 *
 * boxes   float [1, anchors, 4]: y, x, height, width against the anchor; centre + v · size, size · exp(v)
 * scores  float [1, anchors, classes], class 0 being background; probabilities, or logits by the last operators
 * source  google/mediapipe `model_maker/python/vision/object_detector/{model,preprocessor}.py`;
 *         tensorflow/models `official/vision/ops/anchor.py`
 * cost    y comes before x: read as x first, boxes are mirrored about the diagonal
 */
export const modelMaker: Family = {
  name: 'mediapipe-model-maker',
  title: 'Object detectors of MediaPipe Model Maker',
  recognise,
  decode,
  spareColumn: () => 'first',
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { classes, scoreActivation } = context.contract.output
  const [rows, columns] = lastAxes(roleTensor(outputs, 'scores'), 2, 'scores') as [number, number]
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  const { input } = context.letterbox
  const anchors = anchorBoxes(input)
  if (anchors.length !== rows * 4 || boxes.length !== rows * 4 || columns !== classes || classes < 1) {
    throw mismatch(
      `${anchors.length / 4} rows of ${classes} for an input of ${input.width}×${input.height}`,
      `${rows} of ${columns}`,
    )
  }
  const isProbability = scoreActivation === 'none'
  const least = isProbability ? context.minScore : logit(context.minScore)
  const list = new CandidateList()
  for (let row = 0; row < rows; row++) {
    let best = 1
    for (let c = 2; c < classes; c++) {
      if (scores[row * classes + c]! > scores[row * classes + best]!) {
        best = c
      }
    }
    const value = scores[row * classes + best] ?? Number.NaN
    if (!(value >= least)) {
      continue
    }
    const at = row * 4
    const [anchorY, anchorX, tall, wide] = [
      anchors[at]!,
      anchors[at + 1]!,
      anchors[at + 2]!,
      anchors[at + 3]!,
    ]
    const y = anchorY + boxes[at]! * tall
    const x = anchorX + boxes[at + 1]! * wide
    const halfHeight = (Math.exp(Math.min(boxes[at + 2]!, LARGEST_LOG)) * tall) / 2
    const halfWidth = (Math.exp(Math.min(boxes[at + 3]!, LARGEST_LOG)) * wide) / 2
    const score = isProbability ? value : sigmoid(value)
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, best, row)
  }
  return list.finish('input')
}

/** Centre y, centre x, height, width of each anchor in model-input pixels: cells row by row, scales, then aspects. */
function anchorBoxes(input: Size): Float32Array {
  const values: number[] = []
  for (const stride of STRIDES) {
    const across = Math.ceil(input.width / stride)
    const down = Math.ceil(input.height / stride)
    for (let cell = 0; cell < across * down; cell++) {
      const y = (Math.floor(cell / across) + 0.5) * stride
      const x = ((cell % across) + 0.5) * stride
      for (let scale = 0; scale < SCALES; scale++) {
        const edge = ANCHOR_SIZE * stride * 2 ** (scale / SCALES)
        for (const aspect of ASPECTS) {
          values.push(y, x, edge / Math.sqrt(aspect), edge * Math.sqrt(aspect))
        }
      }
    }
  }
  return Float32Array.from(values)
}

const anchorCount = ({ width, height }: Size): number =>
  STRIDES.reduce((sum, stride) => sum + Math.ceil(width / stride) * Math.ceil(height / stride), 0) *
  SCALES *
  ASPECTS.length

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 2 || signature.inputs.length > 1) {
    return undefined
  }
  const anchors = anchorCount(described.input.size)
  const all = signature.outputs.filter((output) => declaredAxes(output, 2)?.[0] === anchors)
  const boxes = all.find((output) => declaredAxes(output, 2)?.[1] === 4)
  const scores = all.find((output) => output !== boxes)
  const classes = scores && declaredAxes(scores, 2)?.[1]
  if (boxes === undefined || scores === undefined || classes === undefined || classes < 2) {
    return undefined
  }
  const activated = tailOf(signature, scores.name)?.ops.some((op) => /Sigmoid$/.test(op)) === true
  return describe(
    {
      family: 'mediapipe-model-maker',
      confidence: 0.93,
      input: described.input,
      roles: { boxes: boxes.name, scores: scores.name },
      boxCode: 'head',
      scoreActivation: activated ? 'none' : 'sigmoid',
      classes,
      score: 0.3,
      suppression: perClass(0.5),
      evidence: [
        evidence(
          'output',
          `offsets against the anchors of RetinaNet, and ${classes - 1} classes after background`,
          `${anchors} rows are nine anchors for each cell of strides ${STRIDES.join(', ')}`,
          0.93,
        ),
        evidence(
          'output.scoreActivation',
          activated ? 'scores are probabilities' : 'scores are logits',
          activated ? 'a sigmoid follows the last layers' : 'no sigmoid follows the last layers',
          0.9,
        ),
        evidence(
          'input',
          'RGB scaled to −1…1, centred letterbox padded with black',
          'Model Maker keeps the aspect of its pictures',
          0.7,
        ),
      ],
    },
    signature.outputs,
  )
}
