import type { Detector } from '../../detector/detector.ts'
import { toBoxletError } from '../../errors.ts'
import type { Environment } from '../../system/environment.ts'
import type { Telemetry } from './telemetry.ts'
import { chosenWarmUp, warmDecoder } from './warm-up.ts'

/**
 * The start of one environment: decode library, runtime, model and warm-up, side by side where they can be.
 *
 * What this file imports on demand is what every start needs, only later than its first line: the package folds it
 * into the one file that a start loads (`package/fold-start.ts`).
 */
export class Start {
  readonly #env: Environment
  readonly #stages: Record<string, number> = {}
  #detector: Promise<Detector> | undefined
  #telemetry: Promise<Telemetry> | undefined
  modelName: string | undefined
  ready = false

  constructor(env: Environment) {
    this.#env = env
  }

  get telemetry(): Promise<Telemetry> {
    // Beside the model: some milliseconds that need not stand before it.
    this.#telemetry ??= import('./telemetry.ts').then(({ Telemetry }) => new Telemetry(this.#env))
    return this.#telemetry
  }

  /** The loaded model. A failed load is tried again by the next call, since a network may have come back. */
  detector(): Promise<Detector> {
    this.#detector ??= this.#open().catch((error) => {
      this.#detector = undefined
      throw toBoxletError(error)
    })
    return this.#detector
  }

  async run(): Promise<void> {
    // A function that does the chores of jobs detects nothing.
    if (this.#env.BOXLET_START === 'without-model') {
      return
    }
    const started = performance.now()
    // sharp decodes on another thread while the session, which holds this one, is created.
    const decoder = this.#timed('decoder', warmDecoder).catch((error) => error as Error)
    const detector = this.detector().catch((error) => error as Error)
    const [telemetry, opened, decoded] = await Promise.all([this.telemetry, detector, decoder])
    if (decoded instanceof Error) {
      telemetry.logger.warn('decoder', decoded)
    }
    if (opened instanceof Error) {
      telemetry.logger.error('start', opened.cause instanceof Error ? opened.cause : opened)
      return
    }
    await this.#warmUp(opened).catch((error) => telemetry.logger.warn('warm-up', error as Error))
    this.#stages.total = performance.now() - started
    // What Node itself and the loading of our code took before the first line here could run.
    this.#stages.load = started
    telemetry.started(this.#stages, this.modelName)
  }

  /** A model that does not take the empty picture may take all others, so that a fault here ends nothing. */
  async #warmUp(detector: Detector): Promise<void> {
    if (chosenWarmUp(this.#env) === 'full') {
      await this.#timed('warmUp', () => detector.warmUp())
    }
  }

  async #open(): Promise<Detector> {
    const [{ openModel }] = await Promise.all([
      import('./open-model.ts'),
      // Only loaded here: the session asks for it again.
      import('onnxruntime-node'),
    ])
    const detector = await openModel(this.#env, (stage, ms) => {
      this.#stages[stage] = ms
    })
    this.modelName = detector.model.name
    this.ready = true
    return detector
  }

  async #timed<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    try {
      return await work()
    } finally {
      this.#stages[stage] = performance.now() - started
    }
  }
}
