/** A read that many wait for is done once: whoever asks for the same within a moment gets the same answer. */
export class SharedReads<T> {
  readonly #ms: number
  readonly #reads = new Map<string, Promise<T>>()

  /** @param ms that an answer is good for: the time between two looks of one who waits */
  constructor(ms: number) {
    this.#ms = ms
  }

  get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#reads.get(key)
    if (known !== undefined) {
      return known
    }
    const made = read()
    this.#reads.set(key, made)
    setTimeout(() => this.#reads.delete(key), this.#ms).unref()
    return made
  }
}
