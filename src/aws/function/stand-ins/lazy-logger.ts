import type { Logger } from '@aws-lambda-powertools/logger'

/** What belongs to a line: a fault, or fields. */
type Extra = Error | Record<string, unknown>

/**
 * Powertools' logger, loaded with the first line. Requests and starts are told by their metrics, so that most
 * environments never write one.
 */
export class LazyLogger {
  readonly #serviceName: string
  #logger: Promise<Logger> | undefined

  constructor(serviceName: string) {
    this.#serviceName = serviceName
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

  /** In the package the module lies in memory, so that the line is out before the answer is. */
  #write(line: (logger: Logger) => void): void {
    this.#logger ??= import('@aws-lambda-powertools/logger').then(
      ({ Logger }) => new Logger({ serviceName: this.#serviceName }),
    )
    // A fault of the log must not become a fault of the call.
    this.#logger.then(line).catch(() => {})
  }
}
