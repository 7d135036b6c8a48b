import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { ModelInfo } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { turnOffTelemetry } from '../runtime/telemetry.ts'
import { defined } from '../system/defined.ts'
import { onAbort } from '../system/signals.ts'
import type {
  Progress,
  Task,
  WorkerError,
  WorkerReply,
  WorkerRequest,
  WorkerSettings,
} from './worker-messages.ts'

/** The built file, also where the pool itself runs from its TypeScript source, as in tests. */
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/pool/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url)

/**
 * Each picture leaves a megabyte or more of pixels behind, next to which the heap of a worker is tiny. V8 answers
 * growth outside a tiny heap with full collections, one for every nine pictures; told that the heap is not tiny,
 * it frees the same memory with short ones. Read when a thread is made, so that it counts for those that follow.
 *
 * cost  without it a worker spends a tenth of its time on collections
 */
const keepCollectionsShort = (): void => setFlagsFromString('--initial-old-space-size=64')

/** A picture in one piece, or tensors: half a minute to decode, and one run of the largest models. */
const HANG_MS = 2 * 60_000
/** A picture cut into tiles has hundreds of runs. */
const TILED_HANG_MS = 10 * 60_000
/** A job that nobody waits for any more ends between its stages; one that goes on for longer hangs in one of them. */
const OVERDUE_MS = 5_000

type ReplyResult = Extract<WorkerReply, { kind: 'result' }>['result']

export interface WorkerTimes {
  /** After this long a job's thread counts as hanging. Default two minutes, ten for a picture in tiles. */
  hangMs?: number
  /** After this long beyond the end of its signal a job's thread counts as hanging. Default 5 s. */
  overdueMs?: number
}

export interface PoolWorkerEvents {
  onNotice(line: string): void
  /** Of a model that is fetched while it is loaded. */
  onProgress(progress: Progress): void
  /** A task takes so long that the thread hangs. It takes no more, and its tasks have been rejected. */
  onHang(worker: PoolWorker): void
  /** The thread has ended, asked to or not. Its tasks have been rejected. */
  onExit(worker: PoolWorker): void
}

/**
 * One worker thread, from the side of the pool. It is never terminated: the runtime answers that within a run by
 * aborting the process. It is asked to leave, and leaves when its run is done.
 */
export class PoolWorker {
  readonly ready: Promise<{ models: ModelInfo[]; loadMs: number[] }>
  /** Settles when the thread has ended. */
  readonly exited: Promise<true>
  readonly #thread: Worker
  readonly #events: PoolWorkerEvents
  readonly #hangMs: number | undefined
  readonly #overdueMs: number
  readonly #waiting = new Map<number, { resolve(result: ReplyResult): void; reject(error: Error): void }>()
  #nextId = 0
  /** Why it takes no more tasks. */
  #reason: BoxletError | undefined

  constructor(settings: WorkerSettings, events: PoolWorkerEvents, times: WorkerTimes) {
    this.#events = events
    this.#hangMs = times.hangMs
    this.#overdueMs = times.overdueMs ?? OVERDUE_MS
    turnOffTelemetry()
    keepCollectionsShort()
    this.#thread = new Worker(WORKER_FILE, { workerData: settings, name: 'boxlet-detector' })
    this.exited = new Promise((resolve) => this.#thread.once('exit', () => resolve(true)))
    this.ready = new Promise((resolve, reject) => {
      this.#thread.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') {
          resolve(reply)
        } else if (reply.kind === 'failed') {
          reject(revive(reply.error))
        } else if (reply.kind === 'notice') {
          events.onNotice(reply.line)
        } else if (reply.kind === 'progress') {
          events.onProgress(reply.progress)
        } else {
          this.#settle(reply)
        }
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

  /** Tasks that the thread has not answered yet. */
  get load(): number {
    return this.#waiting.size
  }

  /**
   * @param signal aborted when nobody waits any more; the promise still settles when the thread is done
   * @param move buffer of the task that goes over without a copy and is empty here from then on
   */
  run(task: Task, signal?: AbortSignal, move?: ArrayBuffer): Promise<ReplyResult> {
    if (this.#reason !== undefined) {
      return Promise.reject(this.#reason)
    }
    const id = this.#nextId++
    const hangMs = this.#hangMs ?? (isTiled(task) ? TILED_HANG_MS : HANG_MS)
    let hang = setTimeout(() => this.#hang(id), hangMs).unref()
    const cancel = () => {
      this.#thread.postMessage({ id, kind: 'cancel' } satisfies WorkerRequest)
      clearTimeout(hang)
      hang = setTimeout(() => this.#hang(id), this.#overdueMs).unref()
    }
    let forget = () => {}
    const settled = () => {
      clearTimeout(hang)
      forget()
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: (result) => {
          settled()
          resolve(result)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
      forget = onAbort(signal, cancel)
      this.#thread.postMessage({ id, ...task } satisfies WorkerRequest, move === undefined ? [] : [move])
    })
  }

  /**
   * Refuses what is not answered yet and asks the thread to leave.
   *
   * @param reason what those are told who wait
   * @param withinMs how long to wait for it; a native run cannot be interrupted
   * @returns false when the thread is still in a run by then
   */
  async leave(reason: BoxletError, withinMs: number): Promise<boolean> {
    this.#leave(reason)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs)
    })
    try {
      return await Promise.race([this.exited, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The job takes its thread with it; those that waited behind it did nothing wrong and may come again. */
  #hang(id: number): void {
    this.#waiting
      .get(id)
      ?.reject(new BoxletError('TIMEOUT', 'Expected the work to finish in time but its worker hangs in it.'))
    this.#waiting.delete(id)
    this.#leave(
      new BoxletError(
        'OVERLOADED',
        'Expected a free worker but this one hangs in the work of another call.',
        {
          hint: 'Send the request again after the seconds in Retry-After.',
        },
      ),
    )
    this.#events.onHang(this)
  }

  #leave(error: BoxletError): void {
    this.#reason ??= error
    this.#rejectAll(error)
    this.#thread.postMessage({ kind: 'leave' } satisfies WorkerRequest)
  }

  #settle(reply: Extract<WorkerReply, { id: number }>): void {
    const task = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.kind === 'result') {
      task?.resolve(reply.result)
    } else {
      task?.reject(revive(reply.error))
    }
  }

  #fail(cause: Error, rejectReady: (error: Error) => void): void {
    const error =
      this.#reason ??
      new BoxletError('INTERNAL', 'Expected the work to finish but its worker ended.', { cause })
    this.#reason = error
    rejectReady(error)
    this.#rejectAll(error)
  }

  #rejectAll(error: BoxletError): void {
    for (const task of this.#waiting.values()) {
      task.reject(error)
    }
    this.#waiting.clear()
  }
}

const isTiled = (task: Task): boolean => task.kind === 'detect' && Boolean(task.options.slice)

function revive({ code, message, hint, details, stack }: WorkerError): BoxletError {
  const error = new BoxletError(code, message, {
    ...defined({ hint, details }),
    ...(code === 'INTERNAL' ? { cause: Object.assign(new Error('in a worker'), { stack }) } : {}),
  })
  return error
}
