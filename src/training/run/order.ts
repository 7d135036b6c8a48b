import { shuffle } from '../../datasets/split.ts'
import { randomStream } from '../augment/random.ts'

/** Streams of random numbers of a run; the numbers keep them apart. */
const SHUFFLES = 1
const CHANGES = 2

/** Which picture is shown at which place of a run: all once before any twice, in a new order each time. */
export class Order {
  readonly #seed: number
  readonly #pictures: number
  #epoch = -1
  #order: number[] = []

  constructor(seed: number, pictures: number) {
    this.#seed = seed
    this.#pictures = pictures
  }

  /** @param pass pictures that were shown before */
  at(pass: number): number {
    const epoch = Math.floor(pass / this.#pictures)
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      const numbers = Array.from({ length: this.#pictures }, (_, i) => i)
      this.#order = shuffle(numbers, randomStream(this.#seed, SHUFFLES, epoch))
    }
    return this.#order[pass % this.#pictures]!
  }
}

/** Random numbers for the changes of the picture at a place of a run. */
export const changesAt = (seed: number, pass: number): (() => number) => randomStream(seed, CHANGES, pass)
