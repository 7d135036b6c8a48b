import { BoxletError } from '../errors.ts'
import type { TrainingPicture } from './data/pictures.ts'
import { product } from './graph/graph.ts'
import type { Network } from './model/network.ts'

/** Node, the runtime and a model that validates. */
const BASE_BYTES = 230e6
/** A worker without its values: a thread with its own heap, and the graph. */
const WORKER_BYTES = 40e6
/** Bytes held at once for each byte of forward values: they, and the gradients that are on their way. */
const VALUES_FACTOR = 1.5
/** Weights, average, two means of Adam and rates once; a gradient, a copy and what the runtime makes of it for a worker. */
const VECTORS = { once: 5, each: 4 }

/** Bytes that a run will take at most, as measured with YOLOX-nano at 320 and 416 and one or two workers. */
export function expectedMemory(
  network: Network,
  learned: number,
  workers: number,
  pictures: readonly TrainingPicture[],
): number {
  const made = new Set(network.nodes.flatMap(({ outputs }) => outputs))
  let values = 0
  for (const name of made) {
    values += 4 * product(network.shapes.get(name) ?? [0])
  }
  const kept = pictures.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
  const each = WORKER_BYTES + VALUES_FACTOR * values + 4 * VECTORS.each * learned
  return BASE_BYTES + kept + 4 * VECTORS.once * learned + workers * each
}

/**
 * @throws BoxletError TEACHING_FAILED when the run would not fit into what is free
 */
export function checkMemory(expected: number, workers: number): void {
  const free = freeMemory()
  if (free !== undefined && expected - process.memoryUsage.rss() > free) {
    throw new BoxletError(
      'TEACHING_FAILED',
      `Expected ${megabytes(expected)} of free memory for ${workers} workers but there are ${megabytes(free)}.`,
      { hint: 'Take fewer --workers, a smaller --size or a smaller --base.' },
    )
  }
}

/** What this process may still take, limits of containers included; Node tells since 20.13. */
const freeMemory = (): number | undefined =>
  (process as { availableMemory?: () => number }).availableMemory?.()

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
