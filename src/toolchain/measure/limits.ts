/** AP50 with what the given file finds taken as the truth, from which on a file is the same detector. */
export const LEAST_AGREEMENT = 0.97

/** Loss of AP on labels up to which it is, too. */
const MOST_AP_LOSS = 0.005

export interface Fidelity {
  /** Share of boxes in common, of those that a user sees. */
  f1: number
  ap50: number
  /** AP on labels of the given file and of the new one, where the pictures have labels. */
  ap: { before: number; after: number } | undefined
}

/** Whether a file may take the place of the one that it was made from. */
export const isSameDetector = ({ ap50, ap }: Fidelity): boolean =>
  ap50 >= LEAST_AGREEMENT || (ap !== undefined && ap.before - ap.after <= MOST_AP_LOSS)
