import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  ImageInput,
  LoadOptions,
  ModelInfo,
} from '../detector/types.ts'
import { BoxletError, type ErrorCode } from '../errors.ts'
import { turnOffTelemetry } from '../runtime/telemetry.ts'
import { defined } from '../system/defined.ts'

/** What a worker is asked. */
export interface Job {
  id: number
  image: ImageInput
  options: Omit<DetectOptions, 'signal'>
}

export type Reply =
  | { kind: 'ready'; model: ModelInfo }
  | { kind: 'result'; id: number; result: DetectResult }
  | { kind: 'error'; id: number | undefined; error: ReturnType<BoxletError['toJSON']> }

export interface WorkerSetup {
  model: string
  load: Omit<LoadOptions, 'signal' | 'onProgress' | 'onNotice'>
}

/** The built file, also where the pool itself runs from its TypeScript source, as in tests. */
const WORKER = fileURLToPath(
  import.meta.url.endsWith('.ts')
    ? new URL('../../dist/evaluate/detector-worker.js', import.meta.url)
    : new URL('./detector-worker.js', import.meta.url),
)

export const canRunWorkers = (): boolean => existsSync(WORKER)

/**
 * Several detectors of one model, each with one thread of its own: a run holds its thread, so more pictures a
 * second need more of them. One run on several threads gains less than as many runs on one thread each.
 */
export class DetectorPool implements DetectorLike {
  readonly model: ModelInfo
  readonly #workers: PoolWorker[]

  private constructor(workers: PoolWorker[], model: ModelInfo) {
    this.#workers = workers
    this.model = model
  }

  /** Loads the model `size` times. The model file should be in the cache already; every worker opens it. */
  static async load(size: number, setup: WorkerSetup): Promise<DetectorPool> {
    const workers = Array.from({ length: size }, () => new PoolWorker(setup))
    try {
      const [model] = await Promise.all(workers.map((worker) => worker.ready))
      return new DetectorPool(workers, model!)
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.stop()))
      throw error
    }
  }

  detect(image: ImageInput, options: DetectOptions = {}): Promise<DetectResult> {
    const idle = this.#workers.reduce((best, worker) => (worker.waiting < best.waiting ? worker : best))
    return idle.detect(image, options)
  }

  async warmUp(): Promise<void> {
    const { width, height } = this.model.contract.input.size
    const empty = () => ({ width, height, data: new Uint8Array(width * height * 3) })
    await Promise.all(this.#workers.map((worker) => worker.detect(empty(), {})))
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

interface Waiting {
  resolve(result: DetectResult): void
  reject(error: unknown): void
}

class PoolWorker {
  readonly ready: Promise<ModelInfo>
  readonly #worker: Worker
  readonly #jobs = new Map<number, Waiting>()
  #next = 1
  #stopped = false

  constructor(setup: WorkerSetup) {
    turnOffTelemetry()
    this.#worker = new Worker(WORKER, { workerData: setup })
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (reply: Reply) => {
        if (reply.kind === 'ready') {
          resolve(reply.model)
        } else if (reply.kind === 'result') {
          this.#take(reply.id)?.resolve(reply.result)
        } else if (reply.id === undefined) {
          reject(toError(reply))
        } else {
          this.#take(reply.id)?.reject(toError(reply))
        }
      })
      const fail = (cause: unknown) => {
        const error = new BoxletError('INTERNAL', 'Expected a worker to go on but it ended.', { cause })
        this.#stopped = true
        reject(error)
        for (const waiting of this.#jobs.values()) {
          waiting.reject(error)
        }
        this.#jobs.clear()
      }
      this.#worker.on('error', fail)
      this.#worker.on('exit', () => {
        if (!this.#stopped) {
          fail(undefined)
        }
      })
    })
    // A failed start is told by `load`; without this, the other workers' failures would count as unhandled.
    this.ready.catch(() => {})
  }

  get waiting(): number {
    return this.#jobs.size
  }

  detect(image: ImageInput, { signal, ...options }: DetectOptions): Promise<DetectResult> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) {
        throw new BoxletError('DISPOSED', 'Expected a live detector but it was disposed.')
      }
      const id = this.#next++
      const abort = () => {
        this.#jobs.delete(id)
        reject(new BoxletError('ABORTED', 'Expected the work to finish but it was cancelled.'))
      }
      if (signal?.aborted) {
        return abort()
      }
      signal?.addEventListener('abort', abort, { once: true })
      const done = () => signal?.removeEventListener('abort', abort)
      this.#jobs.set(id, {
        resolve: (result) => {
          done()
          resolve(result)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      this.#worker.postMessage({ id, image, options } satisfies Job)
    })
  }

  /**
   * Asks the thread to leave and waits until it has: ending it inside a run of the runtime would abort the whole
   * process.
   */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const waiting of this.#jobs.values()) {
      waiting.reject(new BoxletError('DISPOSED', 'Expected a live detector but it was disposed.'))
    }
    this.#jobs.clear()
    if (this.#worker.threadId === -1) {
      return
    }
    this.#worker.postMessage('leave')
    await once(this.#worker, 'exit')
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#jobs.get(id)
    this.#jobs.delete(id)
    return waiting
  }
}

function toError(reply: Extract<Reply, { kind: 'error' }>): BoxletError {
  const { code, message, hint, details } = reply.error
  return new BoxletError(code as ErrorCode, message, {
    ...defined({ hint, details }),
  })
}
