/** Steps over which the rate grows: the means of Adam say nothing before. */
const WARM_UP_STEPS = 30
/** Share of the highest rate at the end. */
const LEAST = 0.05

/**
 * Share of the highest learning rate at a step: a rise in a line, then half a cosine down.
 *
 * source  Loshchilov, Hutter: SGDR (2016), equation 5; the rise from Goyal et al.: Accurate, Large Minibatch SGD (2017)
 *
 * @param step 1 for the first
 */
export function rateAt(step: number, steps: number): number {
  const rise = Math.min(1, step / Math.min(WARM_UP_STEPS, steps))
  const fall = LEAST + ((1 - LEAST) * (1 + Math.cos((Math.PI * step) / steps))) / 2
  return rise * fall
}
