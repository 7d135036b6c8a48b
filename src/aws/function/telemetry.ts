/**
 * Logs, metrics and traces in the forms that CloudWatch and X-Ray read, through AWS's Powertools. Metrics go
 * out as log lines (embedded metric format), so they cost no call and no wait.
 */
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import type { Observer, RequestRecord } from '../../api/options.ts'
import type { Environment } from '../../system/environment.ts'
import { METRICS_NAMESPACE } from './metrics-namespace.ts'

export class Telemetry implements Observer {
  readonly logger: Logger
  readonly #metrics: Metrics
  readonly #traced: boolean
  #cold = true

  constructor(env: Environment) {
    const serviceName = env.BOXLET_SERVICE ?? env.AWS_LAMBDA_FUNCTION_NAME ?? 'boxlet'
    this.logger = new Logger({ serviceName })
    this.#metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName })
    this.#traced = env.AWS_XRAY_DAEMON_ADDRESS !== undefined
  }

  /** Milliseconds of the parts of a start; overlapping parts add up to more than the whole. */
  started(stages: Readonly<Record<string, number>>, model: string | undefined): void {
    for (const [stage, ms] of Object.entries(stages)) {
      this.#time(`Init${capital(stage)}`, ms)
    }
    this.#describe({ level: 'INFO', message: 'started', model })
    this.#metrics.publishStoredMetrics()
  }

  /** One line holds the metrics and what else there is to know of a request: each byte of the log is paid for. */
  request(record: RequestRecord): void {
    const { requestId, method, route, status, client, operation, model, error, cause, stages } = record
    const level = status < 500 ? 'INFO' : 'ERROR'
    this.#count('Requests', 1)
    this.#count('Faults', status >= 500 ? 1 : 0)
    this.#time('Duration', record.duration)
    this.#describe({
      level,
      message: 'request',
      requestId,
      method,
      route,
      status,
      client,
      operation,
      model,
      error,
    })
    this.measured(record.pictures, record.detections, stages)
    if (cause instanceof Error) {
      this.logger.error('request', { requestId, cause })
    }
  }

  /** Pictures that came without HTTP. */
  measured(pictures: number, detections: number, stages: Readonly<Record<string, number>>): void {
    if (this.#cold) {
      this.#count('ColdStarts', 1)
    }
    this.#cold = false
    this.#count('Pictures', pictures)
    this.#count('Detections', detections)
    for (const [stage, ms] of Object.entries(stages)) {
      this.#time(capital(stage), ms)
    }
    this.#metrics.publishStoredMetrics()
  }

  /**
   * Runs `work` as a part of the trace, where this call is sampled. The tracer takes 50 ms to load, so calls
   * that are not sampled never load it.
   */
  async trace<T>(name: string, env: Environment, work: () => Promise<T>): Promise<T> {
    if (!this.#traced || !env._X_AMZN_TRACE_ID?.includes('Sampled=1')) {
      return work()
    }
    const { Tracer } = await import('@aws-lambda-powertools/tracer')
    // Only our own parts: patching every outgoing call would slow down the calls that are not traced.
    const tracer = new Tracer({ captureHTTPsRequests: false })
    const parent = tracer.getSegment()
    const part = parent?.addNewSubsegment(`## ${name}`)
    if (parent === undefined || part === undefined) {
      return work()
    }
    tracer.setSegment(part)
    try {
      return await work()
    } catch (error) {
      tracer.addErrorAsMetadata(error as Error)
      throw error
    } finally {
      part.close()
      tracer.setSegment(parent)
    }
  }

  #time(name: string, ms: number): void {
    this.#metrics.addMetric(name, 'Milliseconds', Math.round(ms * 10) / 10)
  }

  /** Fields of the line that are no metrics. */
  #describe(fields: Readonly<Record<string, string | number | undefined>>): void {
    // The library is typed for text, and writes numbers as numbers, by which a log can be searched.
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) {
        this.#metrics.addMetadata(name, value as string)
      }
    }
  }

  #count(name: string, count: number): void {
    this.#metrics.addMetric(name, 'Count', count)
  }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
