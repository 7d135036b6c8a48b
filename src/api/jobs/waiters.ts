import { overloaded } from '../admission.ts'

/** Streams and long polls of one caller: tabs and batches of a busy one, and far from what a thread has to serve. */
const MOST_OF_ONE = 64
/** Of all callers: each holds a connection and a timer. */
const MOST = 1_024

/** Who waits for jobs to change: each costs little, for half a minute or for hours, so that their number is bounded. */
export class Waiters {
  readonly #counts = new Map<string, number>()
  #all = 0

  /**
   * @param caller key, or address where there is none
   * @returns what ends it; more calls do nothing
   * @throws BoxletError OVERLOADED
   */
  enter(caller: string): () => void {
    const count = this.#counts.get(caller) ?? 0
    if (count >= MOST_OF_ONE) {
      throw overloaded('client')
    }
    if (this.#all >= MOST) {
      throw overloaded('service')
    }
    this.#all++
    this.#counts.set(caller, count + 1)
    let left = false
    return () => {
      if (left) {
        return
      }
      left = true
      this.#all--
      const rest = this.#counts.get(caller)! - 1
      if (rest === 0) {
        this.#counts.delete(caller)
      } else {
        this.#counts.set(caller, rest)
      }
    }
  }
}
