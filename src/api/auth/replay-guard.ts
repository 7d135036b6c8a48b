/** Two minutes of the busiest service that one machine can be; each entry is a signature of 64 letters. */
const MOST_ENTRIES = 100_000

/** Remembers signatures until they would be too old anyway, so that each is accepted once. */
export class ReplayGuard {
  /** Signature to the time at which it expires; insertion order is close to the order of expiry. */
  readonly #seen = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** True for a signature that has not been used; it is used from then on. */
  admit(signature: string, expires: number): boolean {
    this.#forgetExpired()
    if (this.#seen.has(signature)) {
      return false
    }
    this.#seen.set(signature, expires)
    return true
  }

  forget(signature: string): void {
    this.#seen.delete(signature)
  }

  #forgetExpired(): void {
    const now = this.#now()
    for (const [signature, expires] of this.#seen) {
      if (expires > now && this.#seen.size < MOST_ENTRIES) {
        break
      }
      this.#seen.delete(signature)
    }
  }
}
