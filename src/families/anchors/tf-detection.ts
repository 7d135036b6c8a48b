import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { Family, Recognition, RoleTensors } from '../family.ts'
import { declaredAxes, describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { PREPROCESS as COMMON, describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { floats } from '../heads/tensor.ts'
import { roleTensor } from '../heads/values.ts'
import { settled } from '../settle.ts'
import { decodeCounted } from './batched-nms.ts'

/** COCO's own ids: from 1 with background at 0 in TensorFlow, from 0 in TFLite. */
const TF_CLASSES = 91
const TFLITE_CLASSES = 90

const FLOAT: Preprocess = {
  colour: 'RGB',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  geometry: stretch(),
  size: { width: 300, height: 300 },
  stride: 1,
}
const BYTES: Preprocess = { ...FLOAT, mean: [0, 0, 0], std: [1, 1, 1] }

/**
 * SSD, EfficientDet-Lite and other models of the TensorFlow Object Detection API, as ONNX or TFLite: four
 * outputs, suppression inside.
 *
 * boxes    float [1, n, 4], y1, x1, y2, x2 as fractions of the model input
 * classes  float [1, n]: from 1 in TensorFlow files, from 0 in TFLite files
 * scores   float [1, n]
 * count    float [1], rows that hold something
 * source   tensorflow/models `research/object_detection/exporter.py`; tensorflow/tensorflow
 *          `lite/kernels/detection_postprocess.cc`
 * cost     converters change the order of the four outputs: classes taken for scores put every object at a score
 *          of 1 and more
 */
export const tfDetection: Family = {
  name: 'tf-detection',
  title: 'SSD, EfficientDet-Lite and other TensorFlow and TFLite detectors',
  recognise,
  decode: decodeCounted,
  settle,
}

interface Roles {
  boxes: TensorInfo
  classes: TensorInfo
  scores: TensorInfo
  count: TensorInfo
  /** Why the roles are what they are, and how sure that is. */
  reason: string
  confidence: number
}

function recognise(signature: ModelSignature): Recognition | undefined {
  if (signature.inputs.length > 1) {
    return undefined
  }
  const roles = namedRoles(signature) ?? postProcessRoles(signature) ?? shapedRoles(signature)
  if (roles === undefined) {
    return undefined
  }
  const { preprocess, said, sure } = preprocessOf(signature)
  const described = describeInput(signature, preprocess)
  if (described === undefined) {
    return undefined
  }
  const isTflite = signature.format === 'tflite' || /TFLite/.test(roles.boxes.name)
  const classes = metadataLabels(signature.metadata)?.length ?? (isTflite ? TFLITE_CLASSES : TF_CLASSES)
  const isSure = roles.confidence >= 0.8
  return describe(
    {
      family: 'tf-detection',
      confidence: roles.confidence,
      input: described.input,
      roles: {
        boxes: roles.boxes.name,
        classes: roles.classes.name,
        scores: roles.scores.name,
        count: roles.count.name,
      },
      boxCode: 'yxyx',
      boxUnits: 'ratio',
      classes,
      score: 0.4,
      suppression: noSuppression(),
      unsettled: isSure ? [] : ['output.roles'],
      evidence: [
        evidence(
          'output.roles',
          'boxes, classes, scores, count of final detections',
          roles.reason,
          roles.confidence,
        ),
        evidence(
          'labels.offset',
          isTflite ? 'classes count from 0' : 'classes count from 1, 0 being background',
          `${isTflite ? 'TFLite' : 'TensorFlow'} files write them so`,
          0.8,
        ),
        evidence('input', said, `the picture input is ${signature.inputs[0]?.type}`, sure),
      ],
    },
    signature.outputs,
  )
}

function namedRoles(signature: ModelSignature): Roles | undefined {
  const named = (what: string) => outputNamed(signature, new RegExp(`(^|[^_a-z])${what}(:0)?$`, 'i'))
  const boxes = named('detection_boxes')
  const classes = named('detection_classes')
  const scores = named('detection_scores')
  const count = named('num_detections')
  return boxes && classes && scores && count
    ? { boxes, classes, scores, count, reason: 'the outputs are named so', confidence: 0.98 }
    : undefined
}

/** Outputs of the TFLite operator, numbered in its fixed order. */
function postProcessRoles({ outputs }: ModelSignature): Roles | undefined {
  if (outputs.length !== 4 || !outputs.every(({ name }) => /TFLite_Detection_PostProcess/.test(name))) {
    return undefined
  }
  const number = ({ name }: TensorInfo) => Number(/[:_](\d+)$/.exec(name)?.[1] ?? 0)
  const [boxes, classes, scores, count] = [...outputs].sort((a, b) => number(a) - number(b)) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ]
  const reason = 'they are the four outputs of TFLite_Detection_PostProcess, in its order'
  return { boxes, classes, scores, count, reason, confidence: 0.95 }
}

/** By shape: [1, n, 4], [1, n] twice, [1]; which of the two is which only a run shows. */
function shapedRoles({ outputs }: ModelSignature): Roles | undefined {
  if (outputs.length !== 4) {
    return undefined
  }
  const boxes = outputs.find(({ shape }) => shape?.length === 3 && shape[2] === 4)
  const rows = boxes === undefined ? undefined : declaredAxes(boxes, 2)?.[0]
  const count = outputs.find(({ shape }) => shape?.length === 1 || shape?.length === 0)
  const [classes, scores] = outputs.filter(
    (output) => output !== boxes && output.shape?.length === 2 && declaredAxes(output, 1)?.[0] === rows,
  )
  return boxes && classes && scores && count
    ? {
        boxes,
        classes,
        scores,
        count,
        reason: 'their shapes; classes come before scores in most files',
        confidence: 0.75,
      }
    : undefined
}

function preprocessOf({ inputs }: ModelSignature): { preprocess: Preprocess; said: string; sure: number } {
  const [input] = inputs
  const quantization = input?.quantization
  if (input?.type === 'uint8' || input?.type === 'int8') {
    if (quantization !== undefined) {
      // The mean and deviation that bring the stored value back to the byte of the pixel.
      const { scale, zeroPoint } = quantization
      const shift = input.type === 'int8' ? 128 : 0
      const mean = zeroPoint + shift
      const preprocess: Preprocess = {
        ...FLOAT,
        mean: [mean, mean, mean],
        std: [1 / scale, 1 / scale, 1 / scale],
      }
      return { preprocess, said: 'RGB bytes, stretched', sure: 0.9 }
    }
    const isFixed = input.shape?.filter((edge) => typeof edge === 'number' && edge > 3).length === 2
    return isFixed
      ? { preprocess: BYTES, said: 'RGB bytes, stretched', sure: 0.9 }
      : { preprocess: COMMON.rgbBytesAsIs, said: 'RGB bytes of any size, prepared inside', sure: 0.95 }
  }
  return { preprocess: FLOAT, said: 'RGB scaled to −1…1, stretched', sure: 0.7 }
}

/** Classes are whole numbers; of the scores of real detections none is. */
function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const classes = floats(roleTensor(outputs, 'classes'))
  const scores = floats(roleTensor(outputs, 'scores'))
  const areWhole = (values: Float32Array) => values.every((value) => Number.isInteger(value))
  const swapped = !areWhole(classes) && areWhole(scores)
  const known = areWhole(classes) !== areWhole(scores)
  const { roles } = recognition.contract.output
  return settled(
    recognition,
    swapped ? { roles: { ...roles, classes: roles.scores!, scores: roles.classes! } } : {},
    [
      evidence(
        'output.roles',
        `classes are "${swapped ? roles.scores : roles.classes}"`,
        known
          ? 'in a probe run only its values were whole numbers'
          : 'a probe run did not show which values are whole',
        known ? 0.95 : 0.5,
      ),
    ],
  )
}
