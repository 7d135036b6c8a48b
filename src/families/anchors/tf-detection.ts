import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { Family, Recognition, RoleTensors } from '../family.ts'
import { declaredAxes, describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { PREPROCESS as COMMON, describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { pictureInput, tailOf } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { roleTensor } from '../heads/values.ts'
import { settled } from '../settle.ts'
import { decodeCounted } from './batched-nms.ts'

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
  // TensorFlow's own files count background; those of TFLite begin with the first class.
  spareColumn: ({ output }) => (output.options.background === true ? 'first' : undefined),
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
  const counted = classCount(signature, roles, isTflite)
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
      classes: counted?.classes ?? metadataLabels(signature.metadata)?.length ?? 0,
      options: { background: !isTflite },
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
        ...(counted === undefined
          ? []
          : [evidence('output.classes', `${counted.classes} classes`, counted.because, counted.confidence)]),
        evidence('input', said, `the picture input is ${signature.inputs[0]?.type}`, sure),
      ],
    },
    signature.outputs,
  )
}

/**
 * Classes by the graph itself: the columns of the raw scores, or the channels of the class layers by those of the
 * box layers, which have four for each anchor. TensorFlow's own files count background as class 0.
 *
 * cost  a number taken from COCO instead names every object of a model trained on others "person"
 */
function classCount(
  signature: ModelSignature,
  { boxes, scores }: Roles,
  isTflite: boolean,
): { classes: number; because: string; confidence: number } | undefined {
  const raw = outputNamed(signature, /(^|[^_a-z])raw_detection_scores(:0)?$/i)
  const columns = raw === undefined ? undefined : declaredAxes(raw, 2)?.[1]
  if (columns !== undefined) {
    return { classes: columns, because: 'the raw scores have a column for each', confidence: 0.95 }
  }
  const layers =
    tailOf(signature, scores.name)?.weightedChannels ?? tailOf(signature, boxes.name)?.weightedChannels
  const withBackground = columnsOfLayers(layers ?? [])
  if (withBackground === undefined) {
    return undefined
  }
  return {
    classes: isTflite ? withBackground - 1 : withBackground,
    because: 'the class layers have so many channels for each anchor of the box layers',
    confidence: 0.8,
  }
}

/** Least and most anchors of a cell that SSD and EfficientDet heads have. */
const ANCHORS = [2, 3, 4, 5, 6, 9]

/**
 * Channels of class layers for each anchor: layers come in pairs of 4 × anchors and columns × anchors. Undefined
 * unless one number of columns explains every layer.
 */
function columnsOfLayers(layers: readonly number[]): number | undefined {
  const half = layers.length / 2
  if (!Number.isInteger(half) || half < 3) {
    return undefined
  }
  const runs = [layers.slice(0, half), layers.slice(half)] as const
  const isBoxes = (run: readonly number[]) => run.every((width) => ANCHORS.includes(width / 4))
  const [boxes, classes] = isBoxes(runs[0]) && !isBoxes(runs[1]) ? runs : [runs[1], runs[0]]
  if (!isBoxes(boxes) || isBoxes(classes)) {
    return undefined
  }
  const columns = boxes.map((width, i) => classes[i]! / (width / 4))
  const [first] = columns
  return Number.isInteger(first) && columns.every((count) => count === first) ? first : undefined
}

function namedRoles(signature: ModelSignature): Roles | undefined {
  const named = (what: string) => outputNamed(signature, new RegExp(`(^|[^_a-z])${what}(:0)?$`, 'i'))
  const boxes = named('detection_boxes')
  const classes = named('detection_classes')
  const scores = named('detection_scores')
  const count = named('num_detections')
  // TensorRT's EfficientNMS bears the same names, but takes channels first; its classes are integers and its boxes corners in pixels.
  const isTensorRt =
    classes !== undefined && /int/.test(classes.type) && pictureInput(signature)?.layout !== 'NHWC'
  return boxes && classes && scores && count && !isTensorRt
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
