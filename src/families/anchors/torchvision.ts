import type { ContractInput, Evidence } from '../../model/contract.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { headKind, isTorchvisionHead } from '../heads/head-kind.ts'
import { type PictureInput, pictureInput } from '../heads/shapes.ts'
import { inputType } from '../heads/ultralytics.ts'
import { mismatch, roleTensor, roleValues } from '../heads/values.ts'

/** ImageNet statistics on 0–255, red, green, blue. */
const IMAGENET_MEAN: [number, number, number] = [123.675, 116.28, 103.53]
const IMAGENET_STD: [number, number, number] = [58.395, 57.12, 57.375]

/**
 * torchvision detectors: RetinaNet, Faster R-CNN, FCOS, SSD, the boxes of Mask and Keypoint R-CNN; and IceVision, which exports the same heads
 * without the transform inside.
 *
 * boxes   float [n, 4], x1, y1, x2, y2 in pixels: of the picture when the graph resizes by itself (input
 *         [3, h, w] in 0–1), of the model input when it does not (IceVision, fixed square, normalised) or takes
 *         one size alone (exported without dynamic axes)
 * scores  float [n], probabilities, best first
 * labels  int64 [n], 0 is background
 * Suppression has happened inside; the outputs come in any order and under any name, so they are told apart
 * by rank and element type.
 *
 * The same three outputs come from any network with suppression inside (`final-boxes`), so the last layers have to
 * be those of torchvision's heads, or the graph has to normalise as its transform does.
 *
 * source  torchvision `models/detection/transform.py`, icevision `models/torchvision`
 * cost    normalising twice, or not at all, leaves a model that still finds large objects at low scores
 */
export const torchvision: Family = {
  name: 'torchvision',
  title: 'torchvision and IceVision detectors (RetinaNet, Faster R-CNN, FCOS, SSD)',
  recognise,
  decode(outputs, context) {
    const boxes = roleValues(outputs, 'boxes', context)
    const scores = roleValues(outputs, 'scores', context)
    const labels = roleTensor(outputs, 'labels').data
    if (boxes.length !== scores.length * 4 || labels.length !== scores.length) {
      throw mismatch(`${scores.length} boxes and labels`, `${boxes.length / 4} and ${labels.length}`)
    }
    const list = new CandidateList()
    for (let row = 0; row < scores.length; row++) {
      if (scores[row]! < context.minScore) {
        continue
      }
      const at = row * 4
      list.add(
        boxes[at]!,
        boxes[at + 1]!,
        boxes[at + 2]!,
        boxes[at + 3]!,
        scores[row]!,
        Number(labels[row]),
        row,
      )
    }
    return list.finish(context.contract.output.frame)
  },
}

interface Roles {
  boxes: TensorInfo
  scores: TensorInfo
  labels: TensorInfo
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const picture = pictureInput(signature)
  const roles = findRoles(signature.outputs)
  if (picture === undefined || roles === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const head = headKind(signature, roles.scores.name)
  const isOwn = isTorchvisionHead(head)
  // A YOLO with suppression inside has the same outputs, and is fed otherwise.
  if (head !== undefined && !isOwn) {
    return undefined
  }
  const isFixed = picture.width !== undefined && picture.height !== undefined
  const normalises = normalisesInside(signature, picture)
  const transformInside = normalises || (head === undefined && picture.layout === 'CHW')
  const isUnshown = !isOwn && !transformInside
  const isSized = transformInside && isFixed
  const size = { width: picture.width ?? 800, height: picture.height ?? 800 }
  const input: ContractInput = {
    name: picture.tensor.name,
    layout: picture.layout,
    dtype: inputType(picture),
    size,
    ...(transformInside && !isFixed ? { dynamic: { stride: 1 } } : {}),
    colour: picture.channels === 1 ? 'grey' : 'RGB',
    mean: transformInside ? [0, 0, 0] : IMAGENET_MEAN,
    std: transformInside ? [255, 255, 255] : IMAGENET_STD,
    geometry: {
      fit: isSized ? 'stretch' : transformInside ? 'none' : 'letterbox',
      align: isSized ? 'top-left' : 'centre',
      pad: transformInside ? [0, 0, 0] : [124, 116, 104],
      rounding: 'round',
      resample: 'bilinear',
    },
  }
  return {
    confidence: isUnshown ? 0.3 : namesFit(roles) ? 0.95 : 0.9,
    ...(isUnshown ? { onlyByName: true } : {}),
    evidence: evidence(roles, transformInside ? (normalises ? 'seen' : 'by rank') : 'outside', isSized),
    contract: {
      family: 'torchvision',
      task: 'detect',
      input,
      extraInputs: [],
      output: {
        roles: { boxes: roles.boxes.name, scores: roles.scores.name, labels: roles.labels.name },
        boxCode: 'xyxy',
        boxUnits: 'pixels',
        frame: transformInside && !isFixed ? 'image' : 'input',
        scoreActivation: 'none',
        classes: 0,
        options: {},
      },
      thresholds: { score: 0.5 },
      suppression: { kind: 'none', iou: 0.5, maxDetections: 300 },
    },
  }
}

/** Whether the graph takes a mean of 0–1 values from the picture itself, as torchvision's own transform does. */
const normalisesInside = ({ stems }: ModelSignature, { tensor }: PictureInput): boolean =>
  Object.hasOwn(stems ?? {}, tensor.name) &&
  stems![tensor.name]!.constants.some(
    ({ op, values }) => op === 'Sub' && values.every((mean) => mean > 0 && mean < 1),
  )

/** Boxes, scores and labels; Mask R-CNN adds masks, Keypoint R-CNN keypoints and their scores. */
const MOST_OUTPUTS = 5

/**
 * Boxes are the float tensor of rank 2 ending in 4, labels the integer one, scores the float of rank 1. Masks and
 * keypoints, of more axes or columns, are left aside.
 */
function findRoles(outputs: readonly TensorInfo[]): Roles | undefined {
  const flat = outputs.filter(({ shape }) => (shape?.length ?? 0) < 2)
  if (outputs.length < 3 || outputs.length > MOST_OUTPUTS || flat.length !== 2) {
    return undefined
  }
  const boxes = outputs.find((output) => output.shape?.length === 2 && output.shape[1] === 4)
  const labels = outputs.find(
    (output) => (output.type === 'int64' || output.type === 'int32') && output.shape?.length === 1,
  )
  const scores = outputs.find((output) => output !== boxes && output !== labels && output.shape?.length === 1)
  return boxes === undefined || labels === undefined || scores === undefined
    ? undefined
    : { boxes, scores, labels }
}

const namesFit = (roles: Roles): boolean =>
  roles.boxes.name === 'boxes' && roles.scores.name === 'scores' && roles.labels.name === 'labels'

function evidence(roles: Roles, transform: 'seen' | 'by rank' | 'outside', isSized: boolean): Evidence[] {
  return [
    {
      about: 'output',
      conclusion: `boxes are "${roles.boxes.name}", scores "${roles.scores.name}", labels "${roles.labels.name}"`,
      because: 'one output has four columns, one is a list of integers and one a list of floats',
      confidence: namesFit(roles) ? 0.99 : 0.95,
    },
    transform === 'outside'
      ? {
          about: 'input',
          conclusion: 'RGB with ImageNet mean and deviation, centred letterbox padded with (124, 116, 104)',
          because:
            'the graph takes no mean from the picture, as IceVision exports the models of torchvision without their transform',
          confidence: 0.75,
        }
      : {
          about: 'input',
          conclusion: isSized
            ? 'RGB 0–1 stretched to the one size of the file; normalisation happens inside, boxes are pixels of that size'
            : 'RGB 0–1 of any size; resizing and normalisation happen inside',
          because:
            transform === 'seen'
              ? `the graph takes the mean from the picture${isSized ? ', and was exported without dynamic axes' : ''}`
              : 'a picture without a batch axis is how torchvision takes it',
          confidence: transform === 'seen' ? 0.93 : 0.7,
        },
  ]
}
