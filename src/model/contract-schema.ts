import * as v from 'valibot'
import { BoxletError } from '../errors.ts'
import { described, ratio } from '../system/schema.ts'
import { type Contract, MAX_DETECTIONS } from './contract.ts'

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
const text = (max: number) => v.pipe(v.string(), v.maxLength(max))
const positive = v.pipe(v.number(), v.gtValue(0))
const byte = whole(0, 255)

const size = v.strictObject({ width: whole(1, 65_536), height: whole(1, 65_536) })

const geometry = v.strictObject({
  fit: described(
    v.picklist(['letterbox', 'stretch', 'shortest-edge', 'none']),
    'How a picture is laid into the input.',
  ),
  align: described(v.picklist(['centre', 'top-left']), 'Where a letterboxed picture lies.'),
  pad: described(v.strictTuple([byte, byte, byte]), 'Red, green and blue 0–255 of the padding.'),
  rounding: described(v.picklist(['round', 'floor']), 'How the resized edge is made whole.'),
  resample: v.picklist(['bilinear', 'bicubic', 'area', 'nearest']),
  longestEdge: v.exactOptional(described(whole(1, 65_536), 'Upper limit for shortest-edge, in pixels.')),
})

const input = v.strictObject({
  name: text(1_000),
  layout: v.picklist(['NCHW', 'NHWC', 'CHW', 'HWC']),
  dtype: v.picklist(['float32', 'float16', 'uint8', 'int8']),
  quantization: v.exactOptional(
    described(
      v.strictObject({ scale: positive, zeroPoint: v.pipe(v.number(), v.integer()) }),
      'For integer inputs: real = (stored − zeroPoint) · scale.',
    ),
  ),
  size: described(size, 'Pixels. For a dynamic input, the size to aim at.'),
  dynamic: v.exactOptional(
    described(
      v.strictObject({ stride: whole(1, 1_024) }),
      'Present when the file takes any size that is a multiple of stride.',
    ),
  ),
  colour: described(v.picklist(['RGB', 'BGR', 'grey']), 'Order of the channels; grey is one channel.'),
  mean: described(
    v.strictTuple([v.number(), v.number(), v.number()]),
    'Per channel in the order fed, on 0–255 values: fed = (pixel − mean) / std; of a grey input the first counts.',
  ),
  std: v.strictTuple([positive, positive, positive]),
  geometry,
})

const extraInput = v.strictObject({
  name: text(1_000),
  kind: v.picklist(['orig-size-wh', 'scale-factor-yx', 'input-size-hw', 'image-shape-hw', 'pixel-mask']),
  dtype: v.picklist(['float32', 'int64', 'int32']),
  shape: v.pipe(v.array(v.pipe(v.number(), v.integer())), v.maxLength(8)),
})

const output = v.strictObject({
  roles: described(
    v.record(v.string(), v.string()),
    'Tensor name for each role that the family reads, e.g. predictions: output0.',
  ),
  boxCode: v.picklist(['xyxy', 'cxcywh', 'yxyx', 'xywh', 'head']),
  boxUnits: v.picklist(['pixels', 'ratio']),
  frame: described(
    v.picklist(['input', 'image']),
    'Pixels of the model input, or already of the original picture.',
  ),
  scoreActivation: v.picklist(['none', 'sigmoid', 'softmax']),
  classes: described(whole(0, 100_000), 'Class scores per prediction; 0 when the outputs carry class ids.'),
  options: described(v.record(v.string(), v.unknown()), 'What only this family needs.'),
})

/** Schema of `contract.json`. Unknown keys are refused: a misspelt option would be ignored in silence. */
export const contractSchema: v.GenericSchema<unknown, Contract> = v.strictObject({
  $schema: v.exactOptional(v.string()),
  version: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  family: described(
    v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,40}$/)),
    'Name of the decoder, e.g. yolov8.',
  ),
  task: v.picklist(['detect', 'segment', 'pose', 'obb', 'classify']),
  input,
  extraInputs: v.pipe(v.array(extraInput), v.maxLength(16)),
  output,
  labels: described(
    v.pipe(v.array(v.nullable(text(1_000))), v.maxLength(100_000)),
    'Index is the class id; null for ids without a class, such as background.',
  ),
  thresholds: v.strictObject({
    score: described(ratio, 'Score threshold of detections.'),
    perClass: v.exactOptional(
      described(v.record(v.string(), ratio), 'Score threshold by label; takes precedence over score.'),
    ),
  }),
  suppression: v.strictObject({
    kind: v.picklist(['none', 'per-class', 'across-classes']),
    iou: described(ratio, 'A box goes when its IoU with a better one is above this.'),
    maxDetections: whole(1, MAX_DETECTIONS),
  }),
  licence: v.exactOptional(
    v.strictObject({
      name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
      class: v.picklist(['permissive', 'copyleft', 'non-commercial', 'unknown']),
    }),
  ),
})

/**
 * Checks a contract read from a file.
 *
 * @throws BoxletError CONTRACT_INVALID naming the first place that does not fit
 */
export function validateContract(value: unknown): Contract {
  const result = v.safeParse(contractSchema, value)
  if (result.success) {
    return result.output
  }
  const [issue] = result.issues
  throw new BoxletError('CONTRACT_INVALID', explain(issue), {
    hint: 'The form is described in docs/contract.md and by the JSON Schema.',
    details: {
      issues: result.issues
        .slice(0, 20)
        .map((each) => ({ path: v.getDotPath(each) ?? '', message: each.message })),
    },
  })
}

function explain(issue: v.BaseIssue<unknown>): string {
  const place = v.getDotPath(issue) ?? 'the contract'
  if (issue.expected === 'never') {
    return `Expected a known part of a contract but received "${place}".`
  }
  if (issue.received === 'undefined') {
    return `Expected a value for ${place} but received none.`
  }
  return `Expected ${issue.expected} for ${place} but received ${issue.received}.`
}
