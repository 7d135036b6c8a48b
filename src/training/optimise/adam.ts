/** State of the optimiser for a part of the weights; arrays of one length. */
export interface AdamState {
  weights: Float32Array
  /** Running means of the gradient and of its square. */
  mean: Float32Array
  square: Float32Array
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/**
 * One step of Adam, without weight decay: with it, the few hundred steps of a run were no better.
 *
 * source  Kingma, Ba: Adam: A Method for Stochastic Optimization (2014), algorithm 1
 *
 * @param gradient of the whole batch, in place
 * @param scale what the gradient is multiplied by: the share of a picture, and clipping
 * @param rates learning rate of each weight
 * @param step 1 for the first
 */
export function adamStep(
  { weights, mean, square }: AdamState,
  gradient: Float32Array,
  scale: number,
  rate: number,
  rates: Float32Array,
  step: number,
): void {
  const byMean = rate / (1 - BETA1 ** step)
  const bySquare = 1 / (1 - BETA2 ** step)
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]! * scale
    const m = BETA1 * mean[i]! + (1 - BETA1) * g
    const v = BETA2 * square[i]! + (1 - BETA2) * g * g
    mean[i] = m
    square[i] = v
    weights[i] = weights[i]! - (byMean * rates[i]! * m) / (Math.sqrt(v * bySquare) + EPSILON)
  }
}
