import { Worker } from 'node:worker_threads'
import type { ModelInfo } from '../detector-types.ts'
import { BoxletError } from '../errors.ts'
import { turnOffTelemetry } from '../runtime/telemetry.ts'
import type { WorkerError, WorkerReply, WorkerRequest, WorkerSettings } from './worker-messages.ts'

/** The built file, also where the pool itself runs from its TypeScript source, as in tests. */
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/server/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url)

type ReplyResult = Extract<WorkerReply, { kind: 'result' }>['result']

export interface PoolWorkerEvents {
  onNotice(line: string): void
  /** The thread has ended, wanted or not. Its jobs have been rejected. */
  onExit(worker: PoolWorker): void
}

/** One worker thread, from the side of the pool. */
export class PoolWorker {
  readonly ready: Promise<{ models: ModelInfo[]; loadMs: number[] }>
  readonly #thread: Worker
  readonly #waiting = new Map<number, { resolve(result: ReplyResult): void; reject(error: Error): void }>()
  #nextId = 0
  #ended = false

  constructor(settings: WorkerSettings, events: PoolWorkerEvents) {
    turnOffTelemetry()
    this.#thread = new Worker(WORKER_FILE, { workerData: settings, name: 'boxlet-detector' })
    this.ready = new Promise((resolve, reject) => {
      this.#thread.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') resolve(reply)
        else if (reply.kind === 'failed') reject(revive(reply.error))
        else if (reply.kind === 'notice') events.onNotice(reply.line)
        else this.#settle(reply)
      })
      this.#thread.on('error', (cause) => this.#fail(cause, reject))
      this.#thread.on('exit', () => {
        this.#fail(new Error('the worker thread ended'), reject)
        events.onExit(this)
      })
    })
    // The pool may look at `ready` later than it settles.
    this.ready.catch(() => {})
  }

  /** Jobs that the thread has not answered yet. */
  get load(): number {
    return this.#waiting.size
  }

  run(
    request: WorkerRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never,
  ): Promise<ReplyResult> {
    if (this.#ended)
      return Promise.reject(new BoxletError('SHUTTING_DOWN', 'Expected a running worker but it has ended.'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#thread.postMessage({ id, ...request })
    })
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#thread.terminate()
  }

  #settle(reply: Extract<WorkerReply, { id: number }>): void {
    const job = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.kind === 'result') job?.resolve(reply.result)
    else job?.reject(revive(reply.error))
  }

  #fail(cause: Error, rejectReady: (error: Error) => void): void {
    const error = this.#ended
      ? new BoxletError('SHUTTING_DOWN', 'Expected the work to finish but the service stopped.')
      : new BoxletError('INTERNAL', 'Expected the work to finish but its worker ended.', { cause })
    rejectReady(error)
    for (const job of this.#waiting.values()) job.reject(error)
    this.#waiting.clear()
  }
}

function revive({ code, message, hint, details, stack }: WorkerError): BoxletError {
  const error = new BoxletError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    ...(code === 'INTERNAL' ? { cause: Object.assign(new Error('in a worker'), { stack }) } : {}),
  })
  return error
}
