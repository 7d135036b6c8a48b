import type * as v from 'valibot'
import type { Size } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'
import type { DetectResult, ModelInfo } from '../detector/types.ts'
import type { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import type * as schema from './native-schema.ts'
import { encodeRle } from './rle.ts'

/** The native JSON: what `boxlet detect --format json` prints and `POST /v1/detect` answers. */
export interface NativeReport extends v.InferOutput<typeof schema.report> {}
export interface NativeModel extends v.InferOutput<typeof schema.modelName> {}
export interface NativeFound extends v.InferOutput<typeof schema.found> {}
export interface NativeFailed extends v.InferOutput<typeof schema.failed> {}
export interface NativeDetection extends v.InferOutput<typeof schema.detection> {}
export type NativeImage = NativeFound | NativeFailed

export const nativeModel = ({ name, family, sha256, licence }: ModelInfo): NativeModel => ({
  name,
  family,
  sha256,
  licence,
})

export function nativeFound(source: string, result: DetectResult): NativeFound {
  const { image, detections, timings } = result
  return {
    source,
    width: image.width,
    height: image.height,
    detections: detections.map((detection) => nativeDetection(detection, image)),
    timings: {
      decode: round(timings.decode, 2),
      prepare: round(timings.prepare, 2),
      run: round(timings.run, 2),
      boxes: round(timings.boxes, 2),
      total: round(timings.total, 2),
    },
  }
}

export function nativeFailed(source: string, error: BoxletError): NativeFailed {
  const { code, message, hint } = error.toJSON()
  return { source, error: { code, message, ...defined({ hint }) } }
}

/** Boxes to a hundredth of a pixel and scores to six digits: below what any model means. */
function nativeDetection(detection: Detection, image: Size): NativeDetection {
  const { box, keypoints, mask, angle, corners } = detection
  return {
    label: detection.label,
    classId: detection.classId,
    score: round(detection.score, 6),
    box: [round(box.x1, 2), round(box.y1, 2), round(box.x2, 2), round(box.y2, 2)],
    ...(keypoints && {
      keypoints: keypoints.map(({ x, y, score }) => [round(x, 2), round(y, 2), round(score, 4)]),
    }),
    ...(mask && { mask: encodeRle(mask, image) }),
    ...(angle !== undefined && { angle: round(angle, 6) }),
    ...(corners && { corners: corners.map(({ x, y }) => [round(x, 2), round(y, 2)]) }),
  }
}

export function round(value: number, digits: number): number {
  const factor = 10 ** digits
  return Math.round(value * factor) / factor
}
