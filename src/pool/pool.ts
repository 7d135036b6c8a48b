import type { Detectors, RawModel } from '../detector/detectors.ts'
import type { DetectOptions, DetectorLike, DetectResult, ImageInput, ModelInfo } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import type { Tensor } from '../model/tensor.ts'
import { untilAborted } from '../system/signals.ts'
import { JobQueue } from './job-queue.ts'
import { HANG_MS, PoolWorker } from './pool-worker.ts'
import type { Job, RawShapes, ServedModel } from './worker-messages.ts'

/** A worker that ends again and again has a fault that a restart does not mend. */
const MOST_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000
/** A single run cannot be interrupted; few take a second, and an orchestrator that asked for an end waits too. */
const LEAVE_MS = 5_000

export interface PoolOptions {
  models: readonly ServedModel[]
  /** Worker threads; the processor quota is the useful number. */
  workers: number
  /** Processor threads of one run; more than one only where there is a single worker. */
  threads: number
  /** Jobs that may wait for a worker. */
  queue: number
  /** Jobs that one worker holds: above one, the next picture is decoded while the last one runs. */
  jobsPerWorker: number
  /** After this long a job's thread counts as hanging. Default ten minutes. */
  hangMs?: number
  /** Most that `close` waits for runs that are under way. Default 5 s. */
  leaveMs?: number
  onNotice?(line: string): void
}

/**
 * Detectors in worker threads. A run blocks the thread that it is on, so that on the main thread nothing
 * else would be answered; one thread a worker and as many workers as processors gives the best throughput.
 */
export class DetectorPool implements Detectors {
  readonly names: readonly string[]
  readonly defaultName: string
  /** Milliseconds from the start until each model could detect, warmed up, in the first worker. */
  readonly loadMs = new Map<string, number>()
  readonly #options: PoolOptions
  /** Ready for jobs. */
  readonly #workers = new Set<PoolWorker>()
  /** All threads, those that still load included. */
  readonly #threads = new Set<PoolWorker>()
  readonly #queue: JobQueue<PoolWorker>
  readonly #models = new Map<string, ModelInfo>()
  #restarts: number[] = []
  /** Threads that hang in a run: each holds its memory and a processor until it is done, if ever. */
  #hanging = 0
  #stopping = false
  #closing = false
  #started = false

  private constructor(options: PoolOptions) {
    this.#options = options
    this.names = options.models.map(({ name }) => name)
    this.defaultName = this.names[0] ?? ''
    this.#queue = new JobQueue(options.queue)
  }

  /**
   * Starts the pool. The first worker loads alone, so that a model to be downloaded is downloaded once.
   *
   * @throws BoxletError as `Detector.load`
   */
  static async start(options: PoolOptions): Promise<DetectorPool> {
    const pool = new DetectorPool(options)
    try {
      const { models, loadMs } = await pool.#add().ready
      for (const [index, { name }] of options.models.entries()) {
        pool.#models.set(name, models[index] as ModelInfo)
        pool.loadMs.set(name, loadMs[index] as number)
      }
      await Promise.all(Array.from({ length: options.workers - 1 }, () => pool.#add().ready))
    } catch (error) {
      await pool.close()
      throw error
    }
    pool.#started = true
    return pool
  }

  ready(): boolean {
    return this.#started && !this.#stopping && !this.#closing && this.#workers.size > 0
  }

  get stats(): { workers: number; busy: number; queued: number } {
    const busy = [...this.#workers].filter(({ load }) => load > 0).length
    return { workers: this.#workers.size, busy, queued: this.#queue.length }
  }

  async get(name: string): Promise<DetectorLike> {
    const model = this.#models.get(name)
    if (model === undefined) {
      throw new BoxletError(
        'MODEL_NOT_FOUND',
        'Expected the name of a model that is served but received another.',
      )
    }
    const detect = (image: ImageInput, { signal, consume, ...options }: DetectOptions = {}) =>
      this.#run(
        { kind: 'detect', model: name, image, options },
        signal,
        consume ? wholeBuffer(image) : undefined,
      ) as Promise<DetectResult>
    return {
      model,
      detect,
      // Workers warm their models up before they are ready, and the pool as a whole is what is closed.
      warmUp: async () => {},
      dispose: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  }

  async raw(name: string): Promise<RawModel> {
    const { inputs, outputs } = (await this.#run({ kind: 'describe', model: name }, undefined)) as RawShapes
    return {
      inputs,
      outputs,
      infer: async (feeds, signal) =>
        (await this.#run({ kind: 'infer', model: name, feeds }, signal)) as ReadonlyMap<string, Tensor>,
    }
  }

  /** From here on the pool says that it is not ready; it finishes what it is given. */
  stopping(): void {
    this.#stopping = true
  }

  /**
   * Ends the workers. Drain the application first: what still waits or runs is refused.
   *
   * @returns false when a thread is still in a run that does not end. The process must then be killed: every
   *   other end waits for the thread, or aborts.
   */
  async close(): Promise<boolean> {
    this.#closing = true
    this.#queue.refuseAll(new BoxletError('SHUTTING_DOWN', 'Expected a running service but it is stopping.'))
    const leaveMs = this.#options.leaveMs ?? LEAVE_MS
    const left = await Promise.all([...this.#threads].map((worker) => worker.leave(leaveMs)))
    return !left.includes(false)
  }

  async #run(job: Job, signal: AbortSignal | undefined, move?: ArrayBuffer): Promise<unknown> {
    signal?.throwIfAborted()
    const run = (worker: PoolWorker): Promise<unknown> => {
      const work = worker.run(job, signal, move)
      const offer = () => {
        if (this.#workers.has(worker)) {
          this.#queue.next(worker)
        }
      }
      work.then(offer, offer)
      return work
    }
    const free = this.#free()
    const work = free === undefined ? this.#queue.wait(run, signal) : run(free)
    return signal === undefined ? work : untilAborted(work, signal)
  }

  /** The worker with the least to do, if it may take one more. */
  #free(): PoolWorker | undefined {
    if (this.#queue.length > 0) {
      return undefined
    }
    let least: PoolWorker | undefined
    for (const worker of this.#workers) {
      if (least === undefined || worker.load < least.load) {
        least = worker
      }
    }
    return least !== undefined && least.load < this.#options.jobsPerWorker ? least : undefined
  }

  #add(): PoolWorker {
    const { models, threads } = this.#options
    const worker = new PoolWorker(
      { models, threads },
      {
        onNotice: (line) => this.#options.onNotice?.(line),
        onHang: (hung) => this.#abandon(hung),
        onExit: (ended) => {
          this.#threads.delete(ended)
          this.#replace(ended)
        },
      },
      this.#options.hangMs ?? HANG_MS,
    )
    this.#threads.add(worker)
    worker.ready.then(
      () => {
        if (this.#closing) {
          return
        }
        this.#workers.add(worker)
        for (let i = 0; i < this.#options.jobsPerWorker && this.#queue.next(worker); i++) {}
      },
      () => void worker.leave(0),
    )
    return worker
  }

  /**
   * A thread in a run cannot be ended, so one that hangs goes on beside its replacement. As many as there are
   * workers may do so; beyond that the pool shrinks until it is not ready, which tells an orchestrator to restart.
   */
  #abandon(hung: PoolWorker): void {
    this.#options.onNotice?.('A worker hangs in a picture; it takes no more work.')
    this.#hanging++
    hung.exited.then(() => this.#hanging--)
    if (this.#hanging <= this.#options.workers) {
      this.#replace(hung)
    } else {
      this.#workers.delete(hung)
    }
  }

  /** A thread that ended by itself took its job with it; the others go on, and a new one takes its place. */
  #replace(ended: PoolWorker): void {
    const wasReady = this.#workers.delete(ended)
    if (this.#closing || !wasReady) {
      return
    }
    const now = performance.now()
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS), now]
    if (this.#restarts.length <= MOST_RESTARTS) {
      this.#add()
    } else if (this.#workers.size === 0) {
      this.#queue.refuseAll(new BoxletError('INTERNAL', 'Expected a worker but all of them ended.'))
    }
  }
}

/** Moved as a whole or not at all: a part of a larger buffer would take its neighbours along. */
const wholeBuffer = (image: ImageInput): ArrayBuffer | undefined =>
  image instanceof Uint8Array &&
  image.buffer instanceof ArrayBuffer &&
  image.byteLength === image.buffer.byteLength
    ? image.buffer
    : undefined
