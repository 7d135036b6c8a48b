import { pointSsd } from './point-ssd.ts'

/** Faces with six landmarks: front, back and short-range files of 128 and 256, the full range of 192, dense or sparse. */
export const blazeface = pointSsd({
  name: 'blazeface',
  title: 'BlazeFace of MediaPipe',
  label: 'face',
  points: 6,
  fed: '−1…1',
  score: 0.5,
})
