/** Answers of earlier services, as their clients expect them. */
import * as v from 'valibot'
import { detection, fault } from './native-schema.ts'

const pixels = v.pipe(v.number(), v.integer())

export const yolambdaAnswer = v.object({
  detections: v.array(
    v.object({ box: v.strictTuple([pixels, pixels, pixels, pixels]), conf: v.number(), cls: v.string() }),
  ),
})

export const icevisionAnswer = v.array(
  v.object({
    bbox: v.strictTuple([v.number(), v.number(), v.number(), v.number()]),
    score: v.number(),
    label: v.string(),
  }),
)

export const articleAnswer = v.array(
  v.object({
    label: v.string(),
    probability: v.number(),
    boundingBox: v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
  }),
)

export const tfliteAnswer = v.object({
  prediction: v.pipe(v.array(v.unknown()), v.description('The output, or each of several, as nested lists.')),
})

export const tfliteMessage = v.variant('status', [
  v.object({ message_id: v.string(), status: v.literal('processing') }),
  v.object({ message_id: v.string(), status: v.literal('done'), prediction: v.array(detection) }),
  v.object({ message_id: v.string(), status: v.literal('failed'), error: v.partial(fault, ['message']) }),
])
