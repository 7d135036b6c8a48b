import type { Detection } from '../../../boxes/detection.ts'
import type { DetectResult } from '../../../detector/types.ts'

/** The answer that `supervision.Detections.from_inference` reads: centre and size in pixels of the upright picture. */
export const toRoboflow = ({ image, detections, timings }: DetectResult) => ({
  time: timings.total / 1000,
  image: { width: image.width, height: image.height },
  predictions: detections.map(predictionOf),
})

const predictionOf = ({ box, score, label, classId, keypoints }: Detection) => ({
  x: (box.x1 + box.x2) / 2,
  y: (box.y1 + box.y2) / 2,
  width: box.x2 - box.x1,
  height: box.y2 - box.y1,
  confidence: score,
  class: label,
  class_id: classId,
  detection_id: crypto.randomUUID(),
  ...(keypoints !== undefined && {
    keypoints: keypoints.map(({ x, y, score: confidence }, class_id) => ({
      x,
      y,
      confidence,
      class_id,
      class: String(class_id),
    })),
  }),
})
