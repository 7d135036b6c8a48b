import { pointSsd } from './point-ssd.ts'

/** Palms with seven landmarks, of 192 and 256. The box holds the palm, not the fingers. */
export const palm = pointSsd({
  name: 'mediapipe-palm',
  title: 'Palm detection of MediaPipe',
  label: 'palm',
  points: 7,
  fed: '0–1',
  score: 0.5,
})
