/** Which of several measured readings of one part of a contract the model wants. Pure. */

import type { Contract } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import type { DimensionResult } from './diagnosis.ts'
import { credible, type Measured } from './trials.ts'
import type { Dimension, Variant } from './variants.ts'

/** AP moves by less than this for no reason; by more the smaller the set. */
const LEAST_AP_GAIN = 0.005
const LEAST_AP_GAIN_OF_FEW = 0.03
/** Share of the contract's own agreement. */
const LEAST_AGREEMENT_GAIN = 0.2
/** The same for few pictures, where the best of several geometries leads by half from luck alone. */
const LEAST_AGREEMENT_GAIN_OF_FEW: Record<Dimension, number> = {
  boxes: 0.5,
  scale: 0.5,
  colour: 0.35,
  geometry: 0.75,
}
const FEW_PICTURES = 5
/** Network inputs far too large find hundreds of sure objects: more than this beside the contract's are none. */
const MOST_OBJECTS = { factor: 3, more: 10, unknown: 100 }

/** Agreement for each object below which none is agreed on: scores of 0.4 and an overlap of 0.6. */
const LEAST_PER_OBJECT = 0.1
const IN_PIECES = 'finds as much in scrambled pieces'

/** What readings were measured by: average precision against annotations, or agreement with themselves. */
export interface Basis {
  hasTruth: boolean
  pictures: number
}

export interface MeasuredVariant {
  variant: Variant
  trial: Measured
}

/**
 * @param measured the contract's own reading first, then the others; two at least
 */
export function choose(
  dimension: Dimension,
  measured: readonly MeasuredVariant[],
  basis: Basis,
): DimensionResult & { winner: Contract } {
  const current = measured[0]!
  const others = measured.slice(1).filter(({ trial }) => refusal(trial, current.trial, basis) === undefined)
  const rank =
    dimension === 'boxes'
      ? perObject(
          measured.map(({ trial }) => trial),
          basis,
        )
      : credible
  const byChance = dimension === 'scale' && !basis.hasTruth ? LEAST_AGREEMENT_GAIN : 0
  const best = simplestOfBest(others, (each) => rank(each.trial), byChance) ?? current
  const yardstick = rank(current.trial)
  const gain = rank(best.trial) - yardstick
  // Phantoms of a wrong reading are gone in the right one; where they stay, they are the model's own.
  const isDeluded = credible(current.trial) < current.trial.value
  const staysSo = isDeluded && best.trial.objects * 2 > current.trial.objects
  const isBetter = best !== current && !staysSo && gain > leastGain(yardstick, dimension, basis)
  return {
    dimension,
    trials: measured.map(({ variant, trial }) => {
      const { name, set, isCurrent } = variant
      const isDeluded = isCurrent && credible(trial) < trial.value
      const refused = isDeluded ? IN_PIECES : isCurrent ? undefined : refusal(trial, current.trial, basis)
      return { ...trial, name, set, isCurrent, ...defined({ refused }) }
    }),
    chosen: isBetter ? best.variant.name : current.variant.name,
    gain: isBetter ? best.trial.value - credible(current.trial) : 0,
    ...(!isBetter && gain > 0
      ? { leaning: { name: best.variant.name, gain: best.trial.value - current.trial.value } }
      : {}),
    winner: isBetter ? best.variant.contract : current.variant.contract,
  }
}

/** A reading that finds objects everywhere is none, however sure it is of them. */
function refusal(trial: Measured, current: Measured, { hasTruth, pictures }: Basis): string | undefined {
  if (hasTruth) {
    return undefined
  }
  // Where the contract itself sees things in pieces, only a reading that hardly does is plainly better.
  const share = credible(current) < current.value ? 0.1 : 0.5
  if (trial.delusion > trial.value * share) {
    return IN_PIECES
  }
  const { factor, more, unknown } = MOST_OBJECTS
  const each = current.objects / pictures
  const most = each < 1 ? unknown : factor * each + more
  return trial.objects / pictures > most ? 'finds objects everywhere' : undefined
}

/**
 * All readings of one run have the same scores, so the right boxes are those that fall together best: few
 * objects after suppression, each agreed on. Readings with next to no agreement are left out.
 */
function perObject(all: readonly Measured[], { hasTruth, pictures }: Basis): (trial: Measured) => number {
  if (hasTruth) {
    return credible
  }
  const most = Math.max(...all.map(credible))
  return (trial) =>
    trial.objects === 0 || credible(trial) < most / 4 ? 0 : credible(trial) / (trial.objects / pictures)
}

function leastGain(current: number, dimension: Dimension, { hasTruth, pictures }: Basis): number {
  const isFew = pictures < FEW_PICTURES
  if (hasTruth) {
    return isFew ? LEAST_AP_GAIN_OF_FEW : LEAST_AP_GAIN
  }
  const share = isFew ? LEAST_AGREEMENT_GAIN_OF_FEW[dimension] : LEAST_AGREEMENT_GAIN
  // Next to nothing is no measure: there it takes half an object to be better.
  return share * Math.max(current, dimension === 'boxes' ? LEAST_PER_OBJECT : 1)
}

/**
 * The best, or one before it that is hardly worse: readings come in the order of how common they are, and a lead of
 * less than this over another reading is luck with few pictures.
 *
 * cost  statistics of ImageNet beside plain 0–1 lead by a fifth on pictures of a QR code, and are wrong
 */
function simplestOfBest<T>(
  readings: readonly T[],
  value: (reading: T) => number,
  byChance: number,
): T | undefined {
  const most = Math.max(...readings.map(value))
  return readings.find((reading) => value(reading) >= most / (1 + byChance))
}
