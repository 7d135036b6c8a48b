/** Runs before any is counted: the first of a session allocates. */
const WARM_UP = 2

/**
 * Medians of processor milliseconds of several pieces of work, taken in turn so that the drift of a shared machine
 * meets all alike. Processor time says the same at any load, as long as the work keeps to one thread.
 */
export async function processorTimes(
  works: readonly (() => Promise<unknown>)[],
  rounds: number,
): Promise<number[]> {
  const samples: number[][] = works.map(() => [])
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [index, work] of works.entries()) {
      const before = process.cpuUsage()
      await work()
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) {
        samples[index]!.push((user + system) / 1000)
      }
    }
  }
  return samples.map(median)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
/** The value that a share of all lies below. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
