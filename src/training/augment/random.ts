import { seededRandom } from '../../datasets/random.ts'

/**
 * Random numbers for one purpose of a run. Each picture that is shown has its own, so that neither the number of
 * workers nor a stop and resumption changes what is drawn.
 *
 * @param path numbers that tell this stream from all others, such as the count of the picture in the run
 */
export function randomStream(seed: number, ...path: readonly number[]): () => number {
  let hash = 0
  for (const part of [seed, ...path]) {
    hash = mixed(hash + part)
  }
  return seededRandom(hash)
}

/** The finaliser of MurmurHash3 (Appleby, 2011) behind a step of the golden ratio: neighbours give unrelated seeds. */
function mixed(number: number): number {
  let hash = (number + 0x9e3779b9) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** A number between two others. */
export const between = (random: () => number, low: number, high: number): number =>
  low + random() * (high - low)
