import { PRICES } from '../cost/prices.ts'
import type { Architecture } from '../package/architecture.ts'

/** What was measured at one memory size. Milliseconds are medians. */
export interface Measurement {
  memoryMb: number
  /** Start to first answer. */
  coldMs: number
  warmMs: number
  /** Slowest of the warm calls. */
  worstMs: number
  /** Processor time of a warm call; unknown for a deployed function. */
  cpuMs: number | undefined
  peakMemoryMb: number | undefined
  calls: number
}

export interface Priced extends Measurement {
  dollarsPerMillion: number
  imagesPerDollar: number
}

/** Duration and request of a warm call at list price, in the first price tier. */
export function priced(measurement: Measurement, arch: Architecture): Priced {
  const perSecond = PRICES.lambda.duration[arch][0].price * (measurement.memoryMb / 1024)
  // Lambda bills whole milliseconds.
  const dollars = (Math.ceil(measurement.warmMs) / 1000) * perSecond + PRICES.lambda.request
  return { ...measurement, dollarsPerMillion: dollars * 1e6, imagesPerDollar: 1 / dollars }
}

/** Below this much room a larger picture ends in an out-of-memory error. */
const MEMORY_ROOM = 0.8
/** A little more money for less waiting is what nearly everyone wants. */
const PRICE_ROOM = 1.1

/** The fastest of the sizes that cost at most a tenth more than the cheapest and have memory to spare. */
export function recommend(points: readonly Priced[]): Priced | undefined {
  const fitting = points.filter(
    ({ peakMemoryMb, memoryMb }) => peakMemoryMb === undefined || peakMemoryMb <= memoryMb * MEMORY_ROOM,
  )
  const cheapest = Math.min(...fitting.map(({ dollarsPerMillion }) => dollarsPerMillion))
  return fitting
    .filter(({ dollarsPerMillion }) => dollarsPerMillion <= cheapest * PRICE_ROOM)
    .sort((a, b) => a.warmMs - b.warmMs)[0]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
