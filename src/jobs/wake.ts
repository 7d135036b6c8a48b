/** Lets a loop that found nothing sleep until the time is over or somebody wakes it, whichever comes first. */
export class Wake {
  #calls = 0
  readonly #sleeping = new Set<() => void>()

  /** Give it to `sleep` after a look that began then: a call in between ends the sleep at once. */
  get calls(): number {
    return this.#calls
  }

  wake(): void {
    this.#calls++
    for (const rise of this.#sleeping) {
      rise()
    }
  }

  async sleep(ms: number, seen: number): Promise<void> {
    if (this.#calls !== seen) {
      return
    }
    await new Promise<void>((resolve) => {
      const rise = (): void => {
        clearTimeout(timer)
        this.#sleeping.delete(rise)
        resolve()
      }
      const timer = setTimeout(rise, ms)
      this.#sleeping.add(rise)
    })
  }
}
