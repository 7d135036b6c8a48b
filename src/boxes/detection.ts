import type { PixelBox } from './box.ts'

/** A point of interest on an object, in pixels of the upright original picture. */
export interface Keypoint {
  x: number
  y: number
  /** Confidence 0–1 that the point is visible; 1 where the model does not say. */
  score: number
}

/** Which pixels belong to the object: a bitmap over the box only, one byte a pixel, 0 or 1. */
export interface Mask {
  /** Whole pixels of the upright original picture that the bitmap covers. */
  left: number
  top: number
  width: number
  height: number
  data: Uint8Array
}

/** One object found in one picture. */
export interface Detection {
  label: string
  /** The model's own number of the class, an index into the labels of its contract. */
  classId: number
  /** Confidence 0–1. */
  score: number
  /** Pixels of the upright original picture. */
  box: PixelBox
  mask?: Mask
  keypoints?: Keypoint[]
  /** Radians, clockwise on screen; the box is then the upright hull of the turned one. */
  angle?: number
  /** The four corners of a turned box, in order round it, where the model gives an angle. */
  corners?: { x: number; y: number }[]
}

/**
 * What a family reads out of a model, before suppression: one row per candidate, kept in typed arrays
 * because a head at score 0.001 gives tens of thousands of them.
 */
export interface Candidates {
  count: number
  /** x1, y1, x2, y2 for each candidate, in pixels of `frame`. */
  boxes: Float32Array
  scores: Float32Array
  classIds: Int32Array
  /** Pixels of the model input, or of the upright original picture when the graph already mapped them. */
  frame: 'input' | 'image'
  /** x, y, score for each point of each candidate, in pixels of `frame`. */
  keypoints?: { perCandidate: number; values: Float32Array }
  /** Radians for each candidate; `boxes` then hold the box before it is turned about its centre. */
  angles?: Float32Array
  /** Mask coefficients for each candidate and the prototypes they weigh. */
  masks?: {
    perCandidate: number
    coefficients: Float32Array
    /** [perCandidate, height, width] over the whole model input. */
    prototypes: Float32Array
    width: number
    height: number
  }
}
