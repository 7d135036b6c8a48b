import { pointSsd } from './point-ssd.ts'

/**
 * People by four landmarks (middle of the hips, size of the whole body, and the same for the upper body), of 128 and
 * 224. The box holds the head, not the body, as in MediaPipe.
 */
export const poseDetection = pointSsd({
  name: 'mediapipe-pose',
  title: 'Pose detection of MediaPipe',
  label: 'person',
  points: 4,
  fed: '−1…1',
  score: 0.5,
})
