import type * as v from 'valibot'
import type { Detection } from '../boxes/detection.ts'
import type * as schema from './earlier-services-schema.ts'

/** YOLambda: label under `cls`, corners in whole pixels of the original picture, since its clients draw with them. */
export const toYolambda = (
  detections: readonly Detection[],
): v.InferOutput<typeof schema.yolambdaAnswer> => ({
  detections: detections.map(({ box: { x1, y1, x2, y2 }, score, label }) => ({
    box: [Math.round(x1), Math.round(y1), Math.round(x2), Math.round(y2)],
    conf: score,
    cls: label,
  })),
})

/** The IceVision handler: a bare list, corners in pixels. */
export const toIcevision = (detections: readonly Detection[]): v.InferOutput<typeof schema.icevisionAnswer> =>
  detections.map(({ box, score, label }) => ({ bbox: [box.x1, box.y1, box.x2, box.y2], score, label }))

/** The Node and TypeScript article: corner and size in pixels. */
export const toArticle = (detections: readonly Detection[]): v.InferOutput<typeof schema.articleAnswer> =>
  detections.map(({ box, score, label }) => ({
    label,
    probability: score,
    boundingBox: { x: box.x1, y: box.y1, w: box.x2 - box.x1, h: box.y2 - box.y1 },
  }))
