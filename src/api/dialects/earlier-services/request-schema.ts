/** What clients of earlier services send: what reads it, and what the API document says of it. */
import * as v from 'valibot'
import type { DetectOptions } from '../../../detector/types.ts'
import { ratio } from '../../../system/schema.ts'

const image = v.pipe(v.string('base64'), v.minLength(1, 'base64'), v.description('Base64.'))

/** Its picture, and the options that its service was known for. */
export interface EarlierRequest {
  image: string
  options: DetectOptions
}

const withDefaults = (options: DetectOptions) =>
  v.pipe(
    v.object({ image }),
    v.transform((given): EarlierRequest => ({ ...given, options })),
  )

export const yolambdaRequest = v.pipe(
  v.object({
    image,
    imgsz: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.description("Accepted and not used: the model's own input size decides."),
      ),
    ),
    conf_thres: v.optional(ratio, 0.3),
    iou_thres: v.optional(ratio, 0.3),
  }),
  v.transform(
    (given): EarlierRequest => ({
      image: given.image,
      options: { minScore: given.conf_thres, iou: given.iou_thres },
    }),
  ),
)

/** The handler that these clients knew had 0.5 written into it. */
export const icevisionRequest = withDefaults({ minScore: 0.5 })
export const articleRequest = withDefaults({})

/** Raw RGB bytes of the model's own size; `/tflite-sqs` takes a picture in a format too. */
export const tfliteRequest = v.object({ image })
