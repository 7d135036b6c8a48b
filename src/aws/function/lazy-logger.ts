import type { Logger } from '@aws-lambda-powertools/logger'

export type LoggerModule = Pick<typeof import('@aws-lambda-powertools/logger'), 'Logger'>

/** What belongs to a line: a fault, or fields. */
type Extra = Error | Record<string, unknown>

/**
 * Powertools' logger, loaded with the first line. Requests and starts are told by their metrics, so that most
 * environments never write one.
 */
export class LazyLogger {
  readonly #serviceName: string
  readonly #load: () => Promise<LoggerModule>
  #logger: Promise<Logger> | undefined

  /** @param load In the package the module lies in memory, so that a line is out before the answer is. */
  constructor(serviceName: string, load: () => Promise<LoggerModule>) {
    this.#serviceName = serviceName
    this.#load = load
  }

  info(message: string, extra: Extra = {}): void {
    this.#write((logger) => logger.info(message, extra as Error))
  }

  warn(message: string, extra: Extra = {}): void {
    this.#write((logger) => logger.warn(message, extra as Error))
  }

  error(message: string, extra: Extra = {}): void {
    this.#write((logger) => logger.error(message, extra as Error))
  }

  #write(line: (logger: Logger) => void): void {
    this.#logger ??= this.#load().then(({ Logger }) => new Logger({ serviceName: this.#serviceName }))
    // A fault of the log must not become a fault of the call.
    this.#logger.then(line).catch(() => {})
  }
}
