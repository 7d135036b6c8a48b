import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression } from '../heads/describe.ts'
import { headKind } from '../heads/head-kind.ts'
import { describeInput, PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { tailOf } from '../heads/shapes.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const COLUMNS = 7
/** The mean as padding: zero after normalisation. */
const PAD: [number, number, number] = [124, 116, 104]

const OUTSIDE: Preprocess = {
  ...PREPROCESS.rgbImageNetStretch,
  geometry: { fit: 'letterbox', align: 'top-left', pad: PAD, rounding: 'floor', resample: 'bilinear' },
  size: { width: 512, height: 512 },
}

/**
 * EfficientDet of google/automl with suppression inside.
 *
 * predictions  float [1, 100, 7]: number of the picture, y1, x1, y2, x2, score, class from 1; pixels of what was
 *              fed
 * source       google/automl `efficientdet/inference.py` det_post_process; labels 1–90 are COCO's own
 * cost         y comes first: read as x first, boxes are mirrored about the diagonal
 */
export const efficientdet: Family = {
  name: 'efficientdet',
  title: 'EfficientDet',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  if (columns !== COLUMNS) {
    throw mismatch(`rows of ${COLUMNS}`, `rows of ${columns}`)
  }
  const values = roleValues(outputs, 'predictions', context)
  const { boxCode, frame } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0, at = 0; row < rows; row++, at += COLUMNS) {
    const score = values[at + 5]!
    if (score < context.minScore || score <= 0) {
      continue
    }
    addCodedBox(list, boxCode, units, values, at + 1, score, Math.round(values[at + 6]!), row)
  }
  return list.finish(frame)
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const output = signature.outputs[0]
  if (output === undefined || signature.outputs.length > 1 || signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns !== COLUMNS || output.shape?.length !== 3 || (rows !== undefined && rows > 1_000)) {
    return undefined
  }
  if (signature.metadata.task !== undefined) {
    return undefined
  }
  const takesBytes = signature.inputs[0]?.type === 'uint8'
  const described = describeInput(signature, takesBytes ? PREPROCESS.rgbBytesAsIs : OUTSIDE)
  if (described === undefined) {
    return undefined
  }
  const isNamed = /detections/i.test(output.name)
  // Rows of seven of a YOLO differ in the order of their columns, and nothing in them tells.
  const isShown = isNamed || headKind(signature, output.name)?.kind === 'anchors'
  return describe(
    {
      family: 'efficientdet',
      confidence: isNamed ? 0.93 : isShown ? 0.8 : 0.3,
      onlyByName: !isShown,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: 'yxyx',
      frame: 'input',
      classes: idCount(signature, output.name),
      score: 0.4,
      suppression: noSuppression(100),
      evidence: [
        evidence(
          'output',
          'rows of picture, y1, x1, y2, x2, score, class from 1',
          `rows of seven with a batch axis${isNamed ? ', named detections' : ''}`,
          isNamed ? 0.93 : 0.8,
        ),
        takesBytes
          ? evidence('input', 'RGB bytes of any size, prepared inside', 'the picture input takes bytes', 0.85)
          : evidence(
              'input',
              'RGB with ImageNet mean and deviation, letterbox at the top left padded with the mean',
              'EfficientDet is trained so',
              0.75,
            ),
      ],
    },
    signature.outputs,
  )
}

/** Anchors of a cell: three scales of three aspects. */
const ANCHORS_PER_CELL = 9

/**
 * Ids that the class layers have room for, 0 being background: nine anchors of four box values and of one score a
 * class. 0 where the layers do not tell, so that no class is named that nobody has seen.
 */
function idCount(signature: ModelSignature, output: string): number {
  const layers = tailOf(signature, output)?.weightedChannels ?? []
  const others = layers.filter((width) => width !== 4 * ANCHORS_PER_CELL)
  const [width] = others
  const isOne = width !== undefined && others.every((other) => other === width)
  return isOne && others.length < layers.length && width % ANCHORS_PER_CELL === 0
    ? width / ANCHORS_PER_CELL + 1
    : 0
}
