import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, extraInputs, noSuppression } from '../heads/describe.ts'
import { describeInput, letterbox, type Preprocess } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { fixed } from '../heads/shapes.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

/** Picture of the batch, class, box. */
const INDEX_COLUMNS = 3

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [255, 255, 255],
  geometry: letterbox('centre', 128, 'floor', 'bicubic'),
  size: { width: 416, height: 416 },
  stride: 32,
}

/**
 * YOLOv3 and tiny YOLOv3 of the ONNX model zoo (keras-yolo3): suppression inside, the size of the original
 * picture as a second input.
 *
 * boxes    float [1, n, 4], y1, x1, y2, x2 in pixels of the original picture: the letterbox is undone inside
 * scores   float [1, classes, n]
 * indices  int32 [k, 3] or [1, k, 3]: picture, class, box of each detection kept
 * source   onnx/models `vision/object_detection_segmentation/yolov3` README
 * cost     `image_shape` as width, height instead of height, width stretches every box of a picture that is
 *          not square
 */
export const yolov3Zoo: Family = {
  name: 'yolov3-zoo',
  title: 'YOLOv3 of the ONNX model zoo',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const indexTensor = roleTensor(outputs, 'indices')
  const indices = roleValues(outputs, 'indices', context)
  const [boxCount] = lastAxes(roleTensor(outputs, 'boxes'), 2, 'boxes') as [number, number]
  const boxes = roleValues(outputs, 'boxes', context)
  const scores = roleValues(outputs, 'scores', context)
  if (indices.length % INDEX_COLUMNS !== 0) {
    throw mismatch('index rows of three', `[${indexTensor.dims.join(', ')}]`)
  }
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let at = 0; at < indices.length; at += INDEX_COLUMNS) {
    const classId = indices[at + 1]!
    const row = indices[at + 2]!
    const score = scores[classId * boxCount + row]
    // A tiny model fills unused rows with −1.
    if (score === undefined || classId < 0 || row < 0 || score < context.minScore) {
      continue
    }
    addCodedBox(list, 'yxyx', units, boxes, row * 4, score, classId, row)
  }
  return list.finish('image')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  if (described === undefined || signature.outputs.length !== 3) {
    return undefined
  }
  const extra = extraInputs(signature, described.picture)
  if (extra?.length !== 1 || extra[0]?.kind !== 'image-shape-hw') {
    return undefined
  }
  const indices = signature.outputs.find(({ type }) => type === 'int32' || type === 'int64')
  const floatOutputs = signature.outputs.filter((output) => output !== indices)
  const boxes =
    floatOutputs.find(({ shape }) => fixed(shape?.at(-1)) === 4) ??
    floatOutputs.find(({ name }) => /ExpandDims_1(:\d+)?$|layer_1$/.test(name)) ??
    floatOutputs[0]
  const scores = floatOutputs.find((output) => output !== boxes)
  if (indices === undefined || boxes === undefined || scores === undefined) {
    return undefined
  }
  return describe(
    {
      family: 'yolov3-zoo',
      confidence: 0.95,
      // The letterbox is undone inside for a square input only, so the size is not left to the picture.
      input: withoutDynamic(described.input),
      extraInputs: extra,
      roles: { boxes: boxes.name, scores: scores.name, indices: indices.name },
      boxCode: 'yxyx',
      frame: 'image',
      classes: fixed(scores.shape?.at(-2)) ?? 80,
      score: 0.3,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          'boxes, a score for each class, and the rows kept',
          'an integer output beside two of floats, and an input for the size of the picture',
          0.93,
        ),
        evidence(
          'extraInputs',
          `${extra[0].name} is height and width of the original picture`,
          'its name and shape',
          0.9,
        ),
        evidence(
          'input',
          'RGB scaled to 0–1, centred letterbox of 416 padded with 128',
          'the ONNX model zoo documents this',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}

function withoutDynamic<T extends { dynamic?: unknown }>(input: T): Omit<T, 'dynamic'> {
  const { dynamic: _dynamic, ...rest } = input
  return rest
}
