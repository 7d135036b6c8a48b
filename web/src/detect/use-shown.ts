import { useMemo } from 'preact/hooks'
import type { Result, Shown } from '../api.ts'

export interface Visible {
  shown: readonly Shown[]
  /** Above the threshold, of a class that is hidden. */
  hiddenCount: number
}

/** What of an answer the threshold and the classes let through. */
export function useShown(
  result: Result | undefined,
  threshold: number,
  hidden: ReadonlySet<string>,
): Visible {
  return useMemo(() => {
    const above = (result?.detections ?? [])
      .map((detection, index) => ({ detection, index }))
      .filter(({ detection }) => detection.score >= threshold)
    const shown = above.filter(({ detection }) => !hidden.has(detection.label))
    return { shown, hiddenCount: above.length - shown.length }
  }, [result, threshold, hidden])
}
