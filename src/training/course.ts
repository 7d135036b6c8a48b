import { loadCheckpoint, saveCheckpoint } from './run/checkpoint.ts'
import type { Validation } from './run/history.ts'
import { CHOOSING_PICTURES, type History, hasStopped, newHistory } from './run/history.ts'
import type { SharedState } from './run/shared-state.ts'

/** Seconds between two checkpoints: what a power cut costs at most. */
const CHECKPOINT_SECONDS = 30

/** Weights of the moment at which the validation pictures were found best. */
export interface BestMoment {
  step: number
  ap: number
  weights: Float32Array
}

/** What a run knows of itself beside its weights: how it went, its best moment, and how to go on from here. */
export class Course {
  history: History = newHistory()
  /** True once the run has stopped learning. */
  isOver = false
  /** Only of a validation set that is large enough to choose. */
  best: BestMoment | undefined
  readonly #path: string
  readonly #fingerprint: string
  readonly #steps: number
  readonly #state: SharedState
  #kept = performance.now()

  /**
   * @param path of the checkpoint
   * @param fingerprint of all that decides the numbers of the run
   * @param steps that are planned
   */
  constructor(path: string, fingerprint: string, steps: number, state: SharedState) {
    this.#path = path
    this.#fingerprint = fingerprint
    this.#steps = steps
    this.#state = state
  }

  /**
   * Puts weights, averages and history back to where a stopped run was.
   *
   * @returns steps done by then; undefined when there is no stopped run
   * @throws BoxletError TEACHING_FAILED when it is another run's
   */
  async goOn(): Promise<number | undefined> {
    const found = await loadCheckpoint(this.#path, this.#fingerprint, this.#state)
    if (found !== undefined) {
      this.history = found.history as History
      this.best = found.best
      this.isOver = hasStopped(this.history, this.#steps)
    }
    return found?.step
  }

  /** @param pictures of the validation set: a small one must not choose the moment */
  validated(validation: Validation, pictures: number): void {
    this.history.validations.push(validation)
    if (pictures >= CHOOSING_PICTURES && validation.ap > (this.best?.ap ?? 0)) {
      const { step, ap } = validation
      this.best = { step, ap, weights: Float32Array.from(this.#state.average) }
    }
    this.isOver = hasStopped(this.history, this.#steps)
  }

  /** Writes a checkpoint, now and then or at once. Workers must stand still. */
  async keep(step: number, now = false): Promise<void> {
    if (!now && performance.now() - this.#kept < 1000 * CHECKPOINT_SECONDS) {
      return
    }
    this.#kept = performance.now()
    const { history, best } = this
    const checkpoint = {
      fingerprint: this.#fingerprint,
      step,
      steps: this.#steps,
      matched: this.#state.matched.at(-1)!,
      history,
    }
    await saveCheckpoint(this.#path, { ...checkpoint, ...(best === undefined ? {} : { best }) }, this.#state)
  }
}
