/** What a recipe reached with fewer pictures, and what more would bring. */
export interface LearningCurve {
  points: { pictures: number; ap: number; ap50: number }[]
  /** Expected AP50 with this many more pictures; undefined when it cannot be told. */
  more: { pictures: number; gain: number } | undefined
}

/** Pictures that somebody may label in an evening. */
const MORE = 50

/**
 * AP grows about by the same amount with each doubling of the pictures until labels or the network set the end, so
 * that the straight line over log₂(pictures) says too much rather than too little.
 *
 * source  Hestness et al.: Deep Learning Scaling is Predictable, Empirically (2017); Sun et al.: Revisiting
 *         Unreasonable Effectiveness of Data (2017), figure 4
 */
export function learningCurve(
  points: readonly { pictures: number; ap: number; ap50: number }[],
): LearningCurve {
  const sorted = points.toSorted((a, b) => a.pictures - b.pictures)
  const last = sorted.at(-1)
  const before = sorted.at(-2)
  if (last === undefined || before === undefined || last.pictures === before.pictures) {
    return { points: sorted, more: undefined }
  }
  // The last doubling counts: earlier ones were steeper.
  const perDoubling = (last.ap50 - before.ap50) / Math.log2(last.pictures / before.pictures)
  const gain = perDoubling * Math.log2((last.pictures + MORE) / last.pictures)
  return { points: sorted, more: { pictures: MORE, gain: Math.max(0, Math.min(gain, 1 - last.ap50)) } }
}

/** Shares of the pictures that are tried beside all of them. */
export const CURVE_SHARES = [0.25, 0.5] as const
