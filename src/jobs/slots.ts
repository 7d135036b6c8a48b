/** A number of places that are taken in the order of asking. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Waits for a place.
   *
   * @returns what frees it
   * @throws what the signal was aborted with
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return this.#freed()
    }
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        signal.removeEventListener('abort', gone)
        resolve()
      }
      const gone = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(next), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', gone, { once: true })
      this.#waiting.push(next)
    })
    return this.#freed()
  }

  #freed(): () => void {
    let done = false
    return () => {
      if (!done) {
        done = true
        const next = this.#waiting.shift()
        if (next === undefined) {
          this.#free++
        } else {
          next()
        }
      }
    }
  }
}
