/** How the range of a value is taken from what calibration saw. */
export type RangeMethod = 'minmax' | 'percentile' | 'mse'
export const RANGE_METHODS: readonly RangeMethod[] = ['minmax', 'percentile', 'mse']

/** What calibration saw of one value. */
export interface Histogram {
  low: number
  high: number
  /** Counts of equal parts from `low` to `high`. */
  counts: Float64Array
}

/** Whole numbers 0 to 255: real = (code − zeroPoint) · scale. */
export interface Scaling {
  scale: number
  zeroPoint: number
}

/** Share of values that both ends together may lose. */
const LOST = 1e-4

/** The scaling of a range, which takes zero in: padding has to be exact. */
export function scalingOf(low: number, high: number): Scaling {
  const from = Math.min(0, low)
  const to = Math.max(0, high)
  const scale = Math.fround((to - from) / 255)
  if (!(scale > 0) || !Number.isFinite(scale)) {
    return { scale: 1, zeroPoint: 0 }
  }
  return { scale, zeroPoint: Math.max(0, Math.min(255, Math.round(-from / scale))) }
}

export function rangeOf(histogram: Histogram, method: RangeMethod): Scaling {
  const { low, high } = histogram
  if (method === 'minmax' || !(high > low)) {
    return scalingOf(low, high)
  }
  const [from, to] = method === 'percentile' ? percentile(histogram) : leastError(histogram)
  return scalingOf(from, to)
}

function percentile({ low, high, counts }: Histogram): [number, number] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const step = (high - low) / counts.length
  const most = (total * LOST) / 2
  let from = 0
  for (let lost = counts[0]!; lost <= most && from < counts.length - 1; lost += counts[++from]!) {}
  let to = counts.length - 1
  for (let lost = counts[to]!; lost <= most && to > from; lost += counts[--to]!) {}
  return [low + from * step, low + (to + 1) * step]
}

/** Ends as shares of the whole range that are tried. */
const UPPER = Array.from({ length: 36 }, (_, index) => 1 - index * 0.025)
const LOWER = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]

/** The range whose codes are nearest to the values: what is cut off counts whole, what lies inside by its rounding. */
function leastError({ low, high, counts }: Histogram): [number, number] {
  const step = (high - low) / counts.length
  const total = counts.reduce((sum, count) => sum + count, 0)
  let best: [number, number] = [low, high]
  let least = Number.POSITIVE_INFINITY
  for (const upper of high > 0 ? UPPER : [1]) {
    for (const lower of low < 0 ? LOWER : [1]) {
      const { scale, zeroPoint } = scalingOf(low * lower, high * upper)
      const [from, to] = [-zeroPoint * scale, (255 - zeroPoint) * scale]
      let error = (total * scale * scale) / 12
      for (let bin = 0; error < least; bin++) {
        const value = low + (bin + 0.5) * step
        if (value >= from || bin === counts.length) {
          break
        }
        error += counts[bin]! * (from - value) ** 2
      }
      for (let bin = counts.length - 1; bin >= 0 && error < least; bin--) {
        const value = low + (bin + 0.5) * step
        if (value <= to) {
          break
        }
        error += counts[bin]! * (value - to) ** 2
      }
      if (error < least) {
        least = error
        best = [low * lower, high * upper]
      }
    }
  }
  return best
}
