import type { RoundReport } from './supervisor.ts'

/** What the averaged weights reached on the validation pictures after so many steps. */
export interface Validation {
  step: number
  ap: number
  ap50: number
}

/** The course of a run, for curves, for a decision to end it, and for going on with it. */
export interface History {
  rounds: RoundReport[]
  validations: Validation[]
  /** Seconds of work in the sessions before this one. */
  seconds: number
}

export const newHistory = (): History => ({ rounds: [], validations: [], seconds: 0 })

/** Least gain of AP that counts as learning. */
const LEAST_GAIN = 0.002
/** Validations without a gain, and share of the planned run, after which it ends. */
const PATIENCE = { validations: 5, share: 1 / 3 } as const

/**
 * True when a run has stopped learning: no gain for at least a third of its planned length. A shorter patience would
 * end runs that rise again once the rate falls.
 */
export function hasStopped({ validations }: History, steps: number): boolean {
  let best = Number.NEGATIVE_INFINITY
  let bestAt = 0
  let since = 0
  for (const { ap, step } of validations) {
    since++
    if (ap > best + LEAST_GAIN) {
      best = ap
      bestAt = step
      since = 0
    }
  }
  const last = validations.at(-1)?.step ?? 0
  return since >= PATIENCE.validations && last - bestAt >= PATIENCE.share * steps
}

/** Pictures from which a validation set may choose the moment: below, the choice would be noise. */
export const CHOOSING_PICTURES = 200
