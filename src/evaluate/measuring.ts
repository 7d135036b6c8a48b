import type { DetectOptions } from '../detector/types.ts'

/**
 * How pictures are asked when a model is measured: scores low enough for the whole precision–recall curve, and every
 * class of a prediction, as the field measures.
 */
export const MEASURING: Required<Pick<DetectOptions, 'minScore' | 'maxDetections' | 'everyClass'>> = {
  minScore: 0.001,
  maxDetections: 300,
  everyClass: true,
}
