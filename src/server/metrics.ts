import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Observer, RequestRecord } from '../api/options.ts'
import type { QueueSize } from '../jobs/queue.ts'

/** Seconds; small models answer in milliseconds, large ones on small machines in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export interface MetricSources {
  pool(): { workers: number; busy: number; queued: number }
  inFlight(): number
  /** Pictures of jobs, where jobs are offered. */
  jobs?(): Promise<QueueSize>
}

/** Prometheus metrics of the service and of its process. */
export class Metrics implements Observer {
  readonly #registry = new Registry()
  readonly #requests = new Counter({
    name: 'boxlet_requests_total',
    help: 'Requests answered, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [this.#registry],
  })
  readonly #durations = new Histogram({
    name: 'boxlet_request_duration_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['route'],
    buckets: BUCKETS,
    registers: [this.#registry],
  })
  readonly #stages = new Histogram({
    name: 'boxlet_stage_duration_seconds',
    help: 'Time of one stage of a request: queue, decode, prepare, run, boxes.',
    labelNames: ['stage'],
    buckets: BUCKETS,
    registers: [this.#registry],
  })
  readonly #pictures = new Counter({
    name: 'boxlet_pictures_total',
    help: 'Pictures given to a detector.',
    labelNames: ['model'],
    registers: [this.#registry],
  })
  readonly #detections = new Counter({
    name: 'boxlet_detections_total',
    help: 'Objects found.',
    labelNames: ['model'],
    registers: [this.#registry],
  })
  readonly #errors = new Counter({
    name: 'boxlet_errors_total',
    help: 'Requests that ended with an error, by its code.',
    labelNames: ['code'],
    registers: [this.#registry],
  })
  readonly #loads = new Gauge({
    name: 'boxlet_model_load_seconds',
    help: 'Cold start: time until a model was loaded and warmed up in the first worker.',
    labelNames: ['model'],
    registers: [this.#registry],
  })

  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.#registry })
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value())
        },
      })
    gauge('boxlet_requests_in_flight', 'Requests being read, waiting or running.', () => sources.inFlight())
    gauge('boxlet_queue_length', 'Pictures that wait for a worker.', () => sources.pool().queued)
    gauge('boxlet_workers', 'Worker threads that are ready.', () => sources.pool().workers)
    gauge('boxlet_workers_busy', 'Worker threads that have work.', () => sources.pool().busy)
    const jobs = sources.jobs?.bind(sources)
    if (jobs !== undefined) {
      new Gauge({
        name: 'boxlet_job_pictures',
        help: 'Pictures of jobs: ready for a worker, waiting (under way, or to be tried again), dead letters.',
        labelNames: ['state'],
        registers: [this.#registry],
        async collect() {
          // A store that does not answer for a while must not take the other numbers along.
          const size = await jobs().catch(() => undefined)
          this.reset()
          for (const [state, count] of Object.entries(size ?? {})) {
            this.set({ state }, count)
          }
        },
      })
    }
  }

  loaded(model: string, milliseconds: number): void {
    this.#loads.set({ model }, milliseconds / 1000)
  }

  request(record: RequestRecord): void {
    const { route, method, status, model } = record
    this.#requests.inc({ route, method: KNOWN_METHODS.has(method) ? method : 'other', status })
    this.#durations.observe({ route }, record.duration / 1000)
    for (const [stage, milliseconds] of Object.entries(record.stages)) {
      this.#stages.observe({ stage }, milliseconds / 1000)
    }
    if (model !== undefined) {
      this.#pictures.inc({ model }, record.pictures)
      this.#detections.inc({ model }, record.detections)
    }
    if (record.error !== undefined) {
      this.#errors.inc({ code: record.error })
    }
  }

  async render(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }
}

/** Anything else that a caller invents is counted together. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])
