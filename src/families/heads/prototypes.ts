import type { Candidates } from '../../boxes/detection.ts'
import type { DecodeContext, RoleTensors } from '../family.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from './values.ts'

/** Where the mask coefficients lie in a head. */
export interface CoefficientColumns {
  /** First channel that holds one. */
  from: number
  /** True for [1, n, channels], false for [1, channels, n]. */
  transposed: boolean
}

/**
 * Mask coefficients of the given rows of `predictions`, with the prototypes that they weigh. The mask of a
 * candidate is sigmoid(Σ coefficient · prototype) above 0.5, cut to its box.
 *
 * prototypes  float [1, k, h, w] over the whole model input; [1, h, w, k] in TFLite exports
 * source      ultralytics `utils/ops.py` process_mask
 * cost        class channels taken for coefficients give masks of noise and a wrong class count
 */
export function readMasks(
  outputs: RoleTensors,
  context: DecodeContext,
  rows: Int32Array,
  columns: CoefficientColumns,
): NonNullable<Candidates['masks']> {
  const tensor = roleTensor(outputs, 'predictions')
  const [first, second] = lastAxes(tensor, 2, 'predictions') as [number, number]
  const [channels, predictions] = columns.transposed ? [second, first] : [first, second]
  const { prototypes, perCandidate, width, height } = readPrototypes(outputs, context)
  if (columns.from + perCandidate > channels) {
    throw mismatch(
      `${perCandidate} mask coefficients from channel ${columns.from}`,
      `a head of ${channels} channels`,
    )
  }
  const values = roleValues(outputs, 'predictions', context)
  const step = columns.transposed ? 1 : predictions
  const next = columns.transposed ? channels : 1
  const coefficients = new Float32Array(rows.length * perCandidate)
  for (let i = 0; i < rows.length; i++) {
    const at = rows[i]! * next + columns.from * step
    for (let k = 0; k < perCandidate; k++) {
      coefficients[i * perCandidate + k] = values[at + k * step]!
    }
  }
  return { perCandidate, coefficients, prototypes, width, height }
}

interface PrototypeAxes {
  perCandidate: number
  height: number
  width: number
  channelsLast: boolean
}

/** Prototypes are fewer than rows or columns of the map in every export of this kind. */
function prototypeAxes(outputs: RoleTensors): PrototypeAxes {
  const [a, b, c] = lastAxes(roleTensor(outputs, 'prototypes'), 3, 'prototypes') as [number, number, number]
  return c < a && c < b
    ? { perCandidate: c, height: a, width: b, channelsLast: true }
    : { perCandidate: a, height: b, width: c, channelsLast: false }
}

/** Mask coefficients that each row of the head has. */
export const coefficientCount = (outputs: RoleTensors): number => prototypeAxes(outputs).perCandidate

function readPrototypes(outputs: RoleTensors, context: DecodeContext) {
  const { channelsLast, ...axes } = prototypeAxes(outputs)
  const values = roleValues(outputs, 'prototypes', context)
  if (!channelsLast) {
    return { ...axes, prototypes: values }
  }
  const planes = new Float32Array(values.length)
  const cells = axes.height * axes.width
  for (let cell = 0; cell < cells; cell++) {
    for (let k = 0; k < axes.perCandidate; k++) {
      planes[k * cells + cell] = values[cell * axes.perCandidate + k]!
    }
  }
  return { ...axes, prototypes: planes }
}
