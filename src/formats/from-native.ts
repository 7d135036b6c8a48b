import type { Detection } from '../boxes/detection.ts'
import type { DetectResult } from '../detector/types.ts'
import type { NativeDetection, NativeFound } from './native.ts'
import { decodeRle } from './rle.ts'

/** A stored result as the detector gave it, up to the rounding of the native form. */
export const fromNative = ({ width, height, detections, timings }: NativeFound): DetectResult => ({
  image: { width, height },
  detections: detections.map(detectionOf),
  timings,
})

function detectionOf(found: NativeDetection): Detection {
  const { label, classId, score, box, keypoints, mask, angle, corners } = found
  const [x1, y1, x2, y2] = box
  return {
    label,
    classId,
    score,
    box: { x1, y1, x2, y2 },
    ...(keypoints && { keypoints: keypoints.map(([x, y, confidence]) => ({ x, y, score: confidence })) }),
    ...(mask && { mask: decodeRle(mask) }),
    ...(angle !== undefined && { angle }),
    ...(corners && { corners: corners.map(([x, y]) => ({ x, y })) }),
  }
}
