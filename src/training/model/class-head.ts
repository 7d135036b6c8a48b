import type { Base } from './base.ts'
import { weightValues } from './weights.ts'

/** Width of the normal distribution from which weights of new classes are drawn. */
const SPREAD = 0.01
/** σ(−2) = 0.12: a new class starts out unlikely, and the first steps are spent on what is there. */
const BIAS = -2

/**
 * Weights for the class layers: taken over for classes that the base knows by the same name, else drawn anew.
 *
 * source  Lin, Goyal, Girshick, He, Dollár: Focal Loss for Dense Object Detection (2017), section 4.1, for the low
 *         bias; the values were chosen on validation pictures
 *
 * @param keepsKnown false where the base's classes of the same name mean something else
 */
export function classHead(
  base: Base,
  labels: readonly string[],
  random: () => number,
  keepsKnown = true,
): Map<string, { dims: readonly number[]; data: Float32Array }> {
  const known = keepsKnown ? labels.map((label) => base.labels.indexOf(label)) : labels.map(() => -1)
  const result = new Map<string, { dims: readonly number[]; data: Float32Array }>()
  for (const { classes } of base.heads) {
    const [, weightName = '', biasName = ''] = classes.inputs
    const weight = base.links.constants.get(weightName)
    const bias = base.links.constants.get(biasName)
    if (weight === undefined || bias === undefined) {
      continue
    }
    const [, depth = 0] = weight.dims
    const weights = new Float32Array(labels.length * depth)
    const biases = new Float32Array(labels.length)
    const oldWeights = weightValues(base.model, weight)
    const oldBiases = weightValues(base.model, bias)
    for (const [at, from] of known.entries()) {
      const row = weights.subarray(at * depth, (at + 1) * depth)
      if (from >= 0) {
        row.set(oldWeights.subarray(from * depth, (from + 1) * depth))
        biases[at] = oldBiases[from]!
      } else {
        row.forEach((_, i) => {
          row[i] = SPREAD * normal(random)
        })
        biases[at] = BIAS
      }
    }
    result.set(weightName, { dims: [labels.length, depth, 1, 1], data: weights })
    result.set(biasName, { dims: [labels.length], data: biases })
  }
  return result
}

/** Box and Muller, A Note on the Generation of Random Normal Deviates (1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
