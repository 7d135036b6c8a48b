import { setMaxListeners } from 'node:events'
import { BoxletError } from '../../errors.ts'
import { type EnvironmentOptions, INIT_TIMEOUT_MS, LambdaEnvironment } from './environment.ts'

/** Enough for any local run; more would only fill the memory of the machine. */
export const MAX_ENVIRONMENTS = 16

/** The environments of one function: idle ones are used again, a new one starts when all are busy. */
export class EnvironmentPool {
  readonly #options: EnvironmentOptions
  readonly #alive = new Set<LambdaEnvironment>()
  readonly #idle: LambdaEnvironment[] = []
  readonly #starting = new Set<Promise<LambdaEnvironment>>()
  readonly #closing = new AbortController()

  constructor(options: EnvironmentOptions) {
    this.#options = options
    setMaxListeners(MAX_ENVIRONMENTS, this.#closing.signal)
  }

  /** Environments that are alive: starting, busy or frozen. */
  get size(): number {
    return this.#alive.size + this.#starting.size
  }

  /** @throws BoxletError OVERLOADED, DISPOSED */
  async take(): Promise<{ environment: LambdaEnvironment; cold: boolean }> {
    if (this.#closing.signal.aborted) {
      throw closed()
    }
    const idle = this.#idle.pop()
    if (idle !== undefined) {
      return { environment: idle, cold: false }
    }
    // Those that start count: they are counted in the same turn in which they are let in.
    if (this.size >= MAX_ENVIRONMENTS) {
      throw new BoxletError(
        'OVERLOADED',
        `Expected at most ${MAX_ENVIRONMENTS} calls at once but received one more.`,
      )
    }
    const starting = this.#start()
    this.#starting.add(starting)
    try {
      const environment = await starting
      this.#alive.add(environment)
      return { environment, cold: true }
    } finally {
      this.#starting.delete(starting)
    }
  }

  async giveBack(environment: LambdaEnvironment): Promise<void> {
    if (environment.usable && !this.#closing.signal.aborted) {
      this.#idle.push(environment)
      return
    }
    this.#alive.delete(environment)
    await environment.stop()
  }

  /** Ends all processes, also those that are about to start. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#starting)
    this.#idle.length = 0
    const alive = [...this.#alive]
    this.#alive.clear()
    await Promise.all(alive.map((environment) => environment.stop()))
  }

  async #start(): Promise<LambdaEnvironment> {
    const { signal } = this.#closing
    const first = await LambdaEnvironment.start(this.#options, INIT_TIMEOUT_MS, signal)
    if (signal.aborted) {
      return this.#refuse(first)
    }
    if (first.initError?.errorType !== 'Sandbox.Timedout') {
      return first
    }
    // Lambda runs a start that took too long once more, this time under the function's own timeout.
    await first.stop()
    const second = await LambdaEnvironment.start(this.#options, this.#options.config.timeoutMs, signal)
    return signal.aborted ? this.#refuse(second) : second
  }

  async #refuse(environment: LambdaEnvironment): Promise<never> {
    await environment.stop()
    throw closed()
  }
}

const closed = (): BoxletError =>
  new BoxletError('DISPOSED', 'Expected a host that is open but it has been closed.')
