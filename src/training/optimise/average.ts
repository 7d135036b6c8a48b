/** Share of the old average that a long run keeps at each step. */
const LONGEST_MEMORY = 0.998

/**
 * Moves the running average of the weights one step on. The average is what is validated and written: it makes a
 * stop at any moment safe, since single steps are noisy until the rate has fallen.
 *
 * source  Polyak, Juditsky: Acceleration of Stochastic Approximation by Averaging (1992); the growing memory as in
 *         TensorFlow's `ExponentialMovingAverage`
 *
 * @param step 1 for the first
 */
export function averageStep(average: Float32Array, weights: Float32Array, step: number): void {
  const kept = Math.min(LONGEST_MEMORY, (1 + step) / (10 + step))
  for (let i = 0; i < weights.length; i++) {
    average[i] = kept * average[i]! + (1 - kept) * weights[i]!
  }
}
