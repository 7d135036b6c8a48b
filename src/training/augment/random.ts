import { seededRandom } from '../../datasets/random.ts'

/**
 * Random numbers for one purpose of a run. Each picture that is shown has its own, so that neither the number of
 * workers nor a stop and resumption changes what is drawn.
 *
 * @param path numbers that tell this stream from all others, such as the count of the picture in the run
 */
export function randomStream(seed: number, ...path: readonly number[]): () => number {
  // The finaliser of MurmurHash3 (Appleby, 2011): neighbouring numbers give unrelated seeds.
  let hash = seed | 0
  for (const part of path) {
    hash = Math.imul(hash ^ part, 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return seededRandom(hash)
}

/** A number between two others. */
export const between = (random: () => number, low: number, high: number): number =>
  low + random() * (high - low)
