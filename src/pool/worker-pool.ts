import type { Detectors, RawModel } from '../detector/detectors.ts'
import type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  ImageInput,
  LoadOptions,
  ModelInfo,
} from '../detector/types.ts'
import { BoxletError, throwIfAborted, toBoxletError } from '../errors.ts'
import type { Tensor } from '../model/tensor.ts'
import { defined } from '../system/defined.ts'
import { untilAborted } from '../system/signals.ts'
import { PoolWorker, type WorkerTimes } from './pool-worker.ts'
import { TaskQueue } from './task-queue.ts'
import type { RawShapes, ServedModel, Task } from './worker-messages.ts'

/** A worker that ends again and again has a fault that a restart does not fix. */
const MOST_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000
/** A single run cannot be interrupted; few take a second, and an orchestrator that asked for an end waits too. */
const LEAVE_MS = 5_000

export interface PoolOptions extends WorkerTimes {
  models: readonly ServedModel[]
  /** Worker threads; the processor quota is the useful number. */
  workers: number
  /** Processor threads of one run; more than one only where there is a single worker. */
  threads: number
  /** Addresses of modules that each worker imports first. */
  imports?: readonly string[]
  /** Runs behind the thread that answers callers, where the system gives each thread a priority. Default false. */
  yields?: boolean
  /** Tasks that may wait for a worker. */
  queue: number
  /** Tasks that one worker holds: above one, the next picture is decoded while the last one runs. */
  tasksPerWorker: number
  /** Most that `close` waits for runs that are under way. Default 5 s. */
  leaveMs?: number
  onNotice?: LoadOptions['onNotice']
  onProgress?: LoadOptions['onProgress']
  /** Stops the start of the pool; it has no effect afterwards. */
  signal?: AbortSignal | undefined
  /** What those are told whose work is ended by `close`. Default: SHUTTING_DOWN. */
  whenClosed?: () => BoxletError
}

/**
 * Detectors in worker threads. A run blocks the thread that it is on, so that on the main thread nothing
 * else would be answered; one thread a worker and as many workers as processors gives the best throughput.
 */
export class WorkerPool implements Detectors {
  readonly names: readonly string[]
  readonly defaultName: string
  /** Milliseconds from the start until each model could detect, warmed up, in the first worker. */
  readonly loadMs = new Map<string, number>()
  readonly #options: PoolOptions
  /** Ready for tasks. */
  readonly #workers = new Set<PoolWorker>()
  /** All threads, those that still load included. */
  readonly #threads = new Set<PoolWorker>()
  /** Threads that hang in a run: each holds its memory and a processor until it is done, if ever. */
  readonly #hanging = new Set<PoolWorker>()
  readonly #queue: TaskQueue<PoolWorker>
  readonly #models = new Map<string, ModelInfo>()
  #restarts: number[] = []
  #stopping = false
  #closing = false
  #started = false
  /** Why no task can be done any more: no worker is left, and none is coming. */
  #failure: BoxletError | undefined

  private constructor(options: PoolOptions) {
    this.#options = options
    this.names = options.models.map(({ name }) => name)
    this.defaultName = this.names[0] ?? ''
    this.#queue = new TaskQueue(options.queue)
  }

  /**
   * Starts the pool. The first worker loads alone, so that a model to be downloaded is downloaded once.
   *
   * @throws BoxletError as `Detector.load`
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const { signal } = options
    throwIfAborted(signal)
    const pool = new WorkerPool(options)
    try {
      await (signal === undefined ? pool.#load() : untilAborted(pool.#load(), signal))
    } catch (error) {
      await pool.close()
      throwIfAborted(signal)
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

  async get(name: string, caller?: string): Promise<DetectorLike> {
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
        caller,
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

  async raw(name: string, caller?: string): Promise<RawModel> {
    const description = this.#run({ kind: 'describe', model: name }, undefined, caller)
    const { inputs, outputs } = (await description) as RawShapes
    return {
      inputs,
      outputs,
      infer: async (feeds, signal) =>
        (await this.#run({ kind: 'infer', model: name, feeds }, signal, caller)) as ReadonlyMap<
          string,
          Tensor
        >,
    }
  }

  /** From here on the pool says that it is not ready; it finishes what it is given. */
  stopping(): void {
    this.#stopping = true
  }

  /**
   * Ends the workers. What still waits or runs is refused.
   *
   * @returns false when a thread is still in a run that does not end. The process must then be killed: every
   *   other end waits for the thread, or aborts.
   */
  async close(): Promise<boolean> {
    this.#closing = true
    this.#failure ??= this.#closed()
    this.#queue.refuseAll(this.#closed())
    const leaveMs = this.#options.leaveMs ?? LEAVE_MS
    const left = await Promise.all([...this.#threads].map((worker) => worker.leave(this.#closed(), leaveMs)))
    return !left.includes(false)
  }

  #closed(): BoxletError {
    return (
      this.#options.whenClosed?.() ??
      new BoxletError('SHUTTING_DOWN', 'Expected a running service but it is stopping.')
    )
  }

  async #load(): Promise<void> {
    const { models, loadMs } = await this.#add().ready
    for (const [index, { name }] of this.#options.models.entries()) {
      this.#models.set(name, models[index] as ModelInfo)
      this.loadMs.set(name, loadMs[index] as number)
    }
    await Promise.all(Array.from({ length: this.#options.workers - 1 }, () => this.#add().ready))
  }

  async #run(
    task: Task,
    signal: AbortSignal | undefined,
    caller: string | undefined,
    move?: ArrayBuffer,
  ): Promise<unknown> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) {
      throw this.#failure
    }
    const run = (worker: PoolWorker): Promise<unknown> => {
      const work = worker.run(task, signal, move)
      const offer = () => {
        if (this.#workers.has(worker)) {
          this.#queue.next(worker)
        }
      }
      work.then(offer, offer)
      return work
    }
    const free = this.#free()
    const work = free === undefined ? this.#queue.wait(run, signal, caller) : run(free)
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
    return least !== undefined && least.load < this.#options.tasksPerWorker ? least : undefined
  }

  #add(): PoolWorker {
    const { models, threads, imports = [], yields = false, hangMs, overdueMs } = this.#options
    const worker = new PoolWorker(
      { models, threads, imports, yields },
      {
        onNotice: (line) => this.#options.onNotice?.(line),
        onProgress: (progress) => this.#options.onProgress?.(progress),
        onHang: (hung) => this.#abandon(hung),
        onExit: (ended) => this.#ended(ended),
      },
      defined({ hangMs, overdueMs }),
    )
    this.#threads.add(worker)
    worker.ready.then(
      () => {
        if (this.#closing) {
          return
        }
        this.#workers.add(worker)
        this.#failure = undefined
        for (let i = 0; i < this.#options.tasksPerWorker && this.#queue.next(worker); i++) {}
      },
      (error: unknown) => {
        void worker.leave(this.#closed(), 0)
        this.#threads.delete(worker)
        this.#failWithoutWorkers(toBoxletError(error))
      },
    )
    return worker
  }

  /**
   * A thread in native code cannot be ended from outside, so one that hangs ends when that code returns, and goes on
   * beside its replacement until then. As many as there are workers may do so; beyond that the pool shrinks until it is
   * not ready, which tells an orchestrator to restart, and grows again as they end.
   */
  #abandon(hung: PoolWorker): void {
    this.#options.onNotice?.('A worker hangs in a picture; it takes no more work and is replaced.')
    this.#workers.delete(hung)
    this.#hanging.add(hung)
    this.#fill()
    this.#failWithoutWorkers(new BoxletError('INTERNAL', 'Expected a worker but all of them hang.'))
  }

  /** As many threads as were asked for, unless too many others hang. */
  #fill(): void {
    while (
      !this.#closing &&
      this.#hanging.size <= this.#options.workers &&
      this.#threads.size - this.#hanging.size < this.#options.workers
    ) {
      this.#add()
    }
  }

  /** A thread that ended by itself took its tasks with it; the others go on, and a new one takes its place. */
  #ended(worker: PoolWorker): void {
    this.#threads.delete(worker)
    if (this.#hanging.delete(worker)) {
      this.#fill()
    } else {
      this.#replace(worker)
    }
  }

  #replace(ended: PoolWorker): void {
    const wasReady = this.#workers.delete(ended)
    if (this.#closing || !wasReady) {
      return
    }
    const now = performance.now()
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS), now]
    if (this.#restarts.length <= MOST_RESTARTS) {
      this.#add()
    } else {
      this.#failWithoutWorkers(new BoxletError('INTERNAL', 'Expected a worker but all of them ended.'))
    }
  }

  /** Tasks must not wait for a worker that never comes. */
  #failWithoutWorkers(error: BoxletError): void {
    const comes = [...this.#threads].some((worker) => !this.#hanging.has(worker))
    if (!comes) {
      this.#failure ??= error
      this.#queue.refuseAll(error)
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
