import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { wholeOption } from '../heads/options.ts'
import { type BoxUnits, boxUnits } from '../heads/rows.ts'
import { tailOf } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { type DecodedHead, decodeHead, headShape } from './yolov8.ts'

/**
 * YOLOv8 and YOLO11 pose, and face detectors trained with landmarks as keypoints.
 *
 * predictions  float [1, 4 + classes + K · d, n]: the detection head followed by K keypoints of d values:
 *              x, y in the units of the boxes and, for d = 3, a visibility already 0–1
 * options      keypoints: K; keypointValues: d (2 or 3)
 * source       ultralytics `nn/modules/head.py` Pose.kpts_decode
 * cost         keypoint channels taken for classes give scores in the hundreds: pixel positions
 */
export const yolov8Pose: Family = {
  name: 'yolov8-pose',
  title: 'YOLOv8 and YOLO11 pose',
  recognise,
  decode(outputs, context) {
    const count = wholeOption(context, 'keypoints')
    const size = wholeOption(context, 'keypointValues', 3, 2, 3)
    const head = decodeHead(outputs, context, count * size)
    return { ...head.list.finish('input'), keypoints: readKeypoints(head, count, size, boxUnits(context)) }
  },
}

function readKeypoints(
  { list, values: source, step, next, from }: DecodedHead,
  perCandidate: number,
  size: number,
  units: BoxUnits,
): NonNullable<Candidates['keypoints']> {
  const rows = list.rows()
  const values = new Float32Array(rows.length * perCandidate * 3)
  for (let i = 0, to = 0; i < rows.length; i++) {
    let at = rows[i]! * next + from * step
    for (let k = 0; k < perCandidate; k++, at += size * step, to += 3) {
      values[to] = source[at]! * units.x
      values[to + 1] = source[at + step]! * units.y
      values[to + 2] = size === 3 ? source[at + 2 * step]! : 1
    }
  }
  return { perCandidate, values }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const head = headShape(output.shape, common.input.size)
  if (head === undefined) {
    return undefined
  }
  const said = keypointShape(signature) ?? keypointsOfTail(signature, output.name, head.channels)
  if (said === undefined) {
    return undefined
  }
  const classes = head.channels - 4 - said.count * said.values
  if (classes < 1 || !namesFit(signature, classes)) {
    return undefined
  }
  const byMetadata = said.source === 'metadata'
  return describe(
    {
      family: 'yolov8-pose',
      confidence: byMetadata ? 0.985 : 0.85,
      task: 'pose',
      input: common.input,
      roles: { predictions: output.name },
      boxCode: 'cxcywh',
      boxUnits: signature.format === 'tflite' ? 'ratio' : 'pixels',
      classes,
      options: { transposed: head.transposed, keypoints: said.count, keypointValues: said.values },
      score: 0.25,
      suppression: perClass(0.7),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `${classes} class scores and ${said.count} keypoints of ${said.values} values per prediction`,
          byMetadata
            ? 'the metadata gives kpt_shape'
            : 'the last layers have box, class and keypoint channels of these numbers',
          byMetadata ? 0.98 : 0.75,
        ),
      ],
    },
    signature.outputs,
  )
}

interface KeypointShape {
  count: number
  values: number
  source: 'metadata' | 'tail'
}

/** `kpt_shape` of the metadata: "[17, 3]". */
function keypointShape(signature: ModelSignature): KeypointShape | undefined {
  const numbers = /^[[(]\s*(\d{1,4})\s*,\s*([23])\s*[\])]$/.exec(signature.metadata.kpt_shape ?? '')
  return numbers === null
    ? undefined
    : { count: Number(numbers[1]), values: Number(numbers[2]), source: 'metadata' }
}

/** Without metadata: a last layer whose channels, with class scores and box, make up the head. */
function keypointsOfTail(
  signature: ModelSignature,
  output: string,
  channels: number,
): KeypointShape | undefined {
  if (metadataLabels(signature.metadata)?.length === channels - 4) {
    return undefined
  }
  const layers = tailOf(signature, output)?.weightedChannels ?? []
  const points = layers.find(
    (width) =>
      width % 3 === 0 && width >= 6 && channels - 4 - width >= 1 && layers.includes(channels - 4 - width),
  )
  return points === undefined ? undefined : { count: points / 3, values: 3, source: 'tail' }
}
