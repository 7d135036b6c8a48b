import { COCO_80 } from '../../model/labels/label-sets.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, noSuppression } from '../heads/describe.ts'
import { describeInput, type Preprocess } from '../heads/preprocess.ts'
import { fixed } from '../heads/shapes.ts'
import { decodeCounted } from './batched-nms.ts'

/** Caffe2 statistics: blue, green, red means on 0–255, deviation 1. */
const PREPROCESS: Preprocess = {
  colour: 'BGR',
  mean: [102.9801, 115.9465, 122.7717],
  std: [1, 1, 1],
  geometry: {
    fit: 'shortest-edge',
    align: 'top-left',
    pad: [0, 0, 0],
    rounding: 'floor',
    resample: 'bilinear',
    longestEdge: 1333,
  },
  size: { width: 800, height: 800 },
  stride: 32,
}

const LABELS: (string | null)[] = [null, ...COCO_80]

/**
 * Faster R-CNN and Mask R-CNN of the ONNX model zoo (maskrcnn-benchmark); masks are not read.
 *
 * boxes   float [n, 4], corners in pixels of the resized picture
 * labels  int64 [n], COCO's 80 classes from 1, 0 being background
 * scores  float [n]
 * source  onnx/models `vision/object_detection_segmentation/faster-rcnn` README
 * cost    the boxes are those of the resized picture: taken for the original they are off by its scale
 */
export const fasterRcnnZoo: Family = {
  name: 'faster-rcnn-zoo',
  title: 'Faster R-CNN of the ONNX model zoo',
  recognise,
  decode: decodeCounted,
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const { outputs } = signature
  if (described === undefined || (outputs.length !== 3 && outputs.length !== 4)) {
    return undefined
  }
  if (signature.inputs.length > 1 || described.input.name !== 'image' || described.input.layout !== 'CHW') {
    return undefined
  }
  const classes = outputs.find(({ type, shape }) => /^int/.test(type) && shape?.length === 1)
  const boxes = outputs.find(({ shape }) => shape?.length === 2 && fixed(shape[1]) === 4)
  const scores = outputs.find((output) => output !== classes && output.shape?.length === 1)
  if (classes === undefined || boxes === undefined || scores === undefined) {
    return undefined
  }
  const isFixed = described.picture.width !== undefined && described.picture.height !== undefined
  const labelsSecond = outputs.indexOf(classes) === 1
  return describe(
    {
      family: 'faster-rcnn-zoo',
      // Files of torchvision call the input "images" or by a number; those of the zoo "image".
      confidence: labelsSecond ? 0.97 : 0.8,
      input: isFixed ? described.input : { ...described.input, dynamic: { stride: 32 } },
      roles: { boxes: boxes.name, classes: classes.name, scores: scores.name },
      boxCode: 'xyxy',
      classes: LABELS.length,
      score: 0.5,
      suppression: noSuppression(100),
      evidence: [
        evidence('output', 'boxes, labels from 1, scores', 'columns and element types of the outputs', 0.93),
        evidence(
          'input',
          'BGR less the Caffe2 means, short edge 800, padded to multiples of 32',
          'an input "image" without a batch axis, and labels before scores, are those of the ONNX model zoo',
          0.8,
        ),
      ],
      labels: LABELS,
    },
    signature.outputs,
  )
}
