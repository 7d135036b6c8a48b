/**
 * Pieces of bodies, of up to 64 KB each, that are taken in one round of the event loop: about a millisecond of copying.
 * New connections are accepted one a round, so that a long round keeps all who come waiting, callers of `/healthz` too.
 */
const PIECES_A_ROUND = 8

/**
 * Lets those who read bodies take turns. A body whose turn has not come is not read from its socket, so that its sender
 * waits: however many send at once, a round of the event loop stays short. Owners take turns, and the bodies of one go
 * in the order in which they ask.
 */
export class ReadTurns {
  /** Owners in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #taken = 0
  #round: NodeJS.Immediate | undefined

  /** Resolves when the next piece may be read: at once where few others read. */
  async take(owner: string): Promise<void> {
    this.#round ??= setImmediate(() => this.#nextRound())
    if (this.#taken < PIECES_A_ROUND) {
      this.#taken++
      return
    }
    await new Promise<void>((resolve) => {
      const own = this.#waiting.get(owner)
      if (own === undefined) {
        this.#waiting.set(owner, [resolve])
      } else {
        own.push(resolve)
      }
    })
  }

  #nextRound(): void {
    this.#taken = 0
    while (this.#taken < PIECES_A_ROUND && this.#waiting.size > 0) {
      this.#taken++
      const [owner, turns] = this.#waiting.entries().next().value as [string, (() => void)[]]
      this.#waiting.delete(owner)
      turns.shift()?.()
      if (turns.length > 0) {
        this.#waiting.set(owner, turns)
      }
    }
    this.#round = this.#taken > 0 ? setImmediate(() => this.#nextRound()) : undefined
  }
}
