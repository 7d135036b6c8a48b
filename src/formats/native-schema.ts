/** The native JSON. Its types are made from these schemas, and so is what the API document says of it. */
import * as v from 'valibot'
import type { Timings } from '../detector/types.ts'
import type { ErrorCode } from '../errors.ts'
import { count, described, opaque, positiveCount, ratio } from '../system/schema.ts'
import type { Rle } from './rle.ts'

const point = v.strictTuple([v.number(), v.number()])
const milliseconds = v.pipe(v.number(), v.minValue(0), v.description('Milliseconds.'))

export const detection = v.object({
  label: v.string(),
  classId: count,
  score: ratio,
  box: described(
    v.strictTuple([v.number(), v.number(), v.number(), v.number()]),
    'x1, y1, x2, y2 in pixels of the upright picture.',
  ),
  keypoints: v.exactOptional(
    described(v.array(v.strictTuple([v.number(), v.number(), v.number()])), 'x, y, score of each point.'),
  ),
  mask: v.exactOptional(
    described(
      v.object({ size: v.strictTuple([count, count]), counts: v.string() }) satisfies v.GenericSchema<Rle>,
      'COCO run-length encoding over the whole picture; size is height, width.',
    ),
  ),
  angle: v.exactOptional(described(v.number(), 'Radians, clockwise on screen.')),
  corners: v.exactOptional(described(v.array(point), 'Of a rotated box, in order.')),
})

export const timings = v.object({
  decode: milliseconds,
  prepare: milliseconds,
  run: milliseconds,
  boxes: milliseconds,
  total: milliseconds,
}) satisfies v.GenericSchema<Timings>

const source = described(v.string(), 'Name of the picture, its address, or its place in the request.')

export const found = v.object({
  source,
  width: positiveCount,
  height: positiveCount,
  detections: described(v.array(detection), 'Best first.'),
  timings,
  altText: v.exactOptional(described(v.string(), 'One sentence that describes the picture.')),
})

/** What went wrong, as every answer has it. */
export const fault = v.object({
  code: opaque<ErrorCode>('string', 'Stable; docs/errors.md lists them.'),
  message: v.string(),
  hint: v.exactOptional(v.string()),
})

export const failed = v.object({ source, error: fault })

export const modelName = v.object({
  name: v.string(),
  family: v.string(),
  sha256: described(v.string(), 'Of the model file.'),
  licence: v.nullable(v.string()),
})

export const report = v.object({
  model: modelName,
  images: described(v.array(v.union([found, failed])), 'In the order of the request.'),
})
