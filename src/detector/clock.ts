import type { Timings } from './types.ts'

/** Adds up the time of each stage; a stage may come several times. */
export class StageClock {
  readonly #start = performance.now()
  #last = this.#start
  readonly #spent: Timings = { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 }

  end(stage: Exclude<keyof Timings, 'total'>): void {
    const now = performance.now()
    this.#spent[stage] += now - this.#last
    this.#last = now
  }

  /** Times of one of several pictures that were worked on together. */
  share(pictures: number): Timings {
    const all = this.finish()
    return {
      decode: all.decode / pictures,
      prepare: all.prepare / pictures,
      run: all.run / pictures,
      boxes: all.boxes / pictures,
      total: all.total / pictures,
    }
  }

  finish(): Timings {
    return { ...this.#spent, total: performance.now() - this.#start }
  }
}
