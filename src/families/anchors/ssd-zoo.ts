import { COCO_80 } from '../../model/labels/label-sets.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, noSuppression } from '../heads/describe.ts'
import { headKind } from '../heads/head-kind.ts'
import { describeInput, PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { fixed } from '../heads/shapes.ts'
import { decodeCounted } from './batched-nms.ts'

const INPUT: Preprocess = { ...PREPROCESS.rgbImageNetStretch, size: { width: 1200, height: 1200 } }

const LABELS: (string | null)[] = [null, ...COCO_80]

/**
 * SSD of the ONNX model zoo (ResNet-34, 1200 × 1200, from MLPerf): suppression inside.
 *
 * boxes    float [1, n, 4], corners as fractions of the model input
 * classes  int64 [1, n], COCO's 80 classes from 1, 0 being background
 * scores   float [1, n]
 * source   onnx/models `vision/object_detection_segmentation/ssd` README
 * cost     class numbers taken from 0 name every object by its neighbour in the list
 */
export const ssdZoo: Family = {
  name: 'ssd-zoo',
  title: 'SSD of the ONNX model zoo',
  recognise,
  decode: decodeCounted,
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, INPUT)
  const { outputs } = signature
  if (described === undefined || outputs.length !== 3 || signature.inputs.length > 1) {
    return undefined
  }
  const classes = outputs.find(({ type, shape }) => /^int/.test(type) && shape?.length === 2)
  const boxes = outputs.find(({ shape }) => shape?.length === 3 && fixed(shape[2]) === 4)
  const scores = outputs.find((output) => output !== classes && output.shape?.length === 2)
  if (classes === undefined || boxes === undefined || scores === undefined) {
    return undefined
  }
  const head = headKind(signature, scores.name)
  const isNamed = boxes.name === 'bboxes'
  const isSsd = head?.kind === 'anchors'
  // A YOLO or RT-DETR with suppression inside has the same outputs.
  if (head !== undefined && !isSsd) {
    return undefined
  }
  return describe(
    {
      family: 'ssd-zoo',
      confidence: isNamed ? 0.95 : isSsd ? 0.6 : 0.3,
      onlyByName: !isNamed && !isSsd,
      input: described.input,
      roles: { boxes: boxes.name, classes: classes.name, scores: scores.name },
      boxCode: 'xyxy',
      boxUnits: 'ratio',
      classes: LABELS.length,
      score: 0.5,
      suppression: noSuppression(200),
      evidence: [
        evidence(
          'output',
          'boxes as fractions, labels from 1, scores',
          isNamed
            ? 'the outputs are named bboxes, labels, scores'
            : 'columns and element types of the outputs',
          isNamed ? 0.93 : 0.6,
        ),
        evidence(
          'input',
          'RGB with ImageNet mean and deviation, stretched',
          'the ONNX model zoo documents this',
          0.8,
        ),
      ],
      labels: LABELS,
    },
    signature.outputs,
  )
}
