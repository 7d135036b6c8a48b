import { Worker } from 'node:worker_threads'
import type { TensorAnswer, TensorRequest, TensorText } from '../api/dialects/kserve/tensor-text.ts'
import { BoxletError } from '../errors.ts'
import { TaskQueue } from '../pool/task-queue.ts'
import { defined } from '../system/defined.ts'
import { untilAborted } from '../system/signals.ts'
import type { TensorTask, TensorTaskDone } from './tensor-worker.ts'

const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/server/tensor-worker.js', import.meta.url)
  : new URL('./tensor-worker.js', import.meta.url)

/** Heap of the thread: eight million numbers as text, as numbers and as a tensor. */
const MAX_HEAP_MB = 1_024
/** Requests that may wait; each holds its body. */
const MAX_WAITING = 256
/** Bodies of at most this size are read where they are: the way to the thread would take longer. */
const SMALL_BYTES = 64 * 1024
const SMALL_ELEMENTS = 16 * 1024

/**
 * Tensors as text in a thread of their own, one request at a time and callers in turns. The thread runs JavaScript
 * alone, so that it can be ended at any time: when nobody waits any more, and by V8 when it needs more than its heap.
 */
export class TensorThread implements TensorText {
  readonly #inPlace: TensorText
  readonly #queue = new TaskQueue<undefined>(MAX_WAITING)
  #worker: Worker | undefined
  #isBusy = false

  constructor(inPlace: TensorText) {
    this.#inPlace = inPlace
  }

  read: TensorText['read'] = async (request, owner, signal) => {
    const jsonBytes = Number(request.headerLength ?? request.body.byteLength)
    if (!(jsonBytes > SMALL_BYTES)) {
      return this.#inPlace.read(request, owner, signal)
    }
    const done = await this.#run({ kind: 'read', ...copied(request) }, owner, signal)
    return done.kind === 'read' ? done.result : Promise.reject(unexpected())
  }

  write: TensorText['write'] = async (answer, owner, signal) => {
    if (elementsAsText(answer) <= SMALL_ELEMENTS) {
      return this.#inPlace.write(answer, owner, signal)
    }
    const done = await this.#run({ kind: 'write', ...answer }, owner, signal)
    return done.kind === 'write' ? done.result : Promise.reject(unexpected())
  }

  async close(): Promise<void> {
    this.#queue.refuseAll(new BoxletError('SHUTTING_DOWN', 'Expected a running service but it is stopping.'))
    await this.#worker?.terminate()
  }

  async #run(task: TensorTask, owner: string, signal: AbortSignal): Promise<TensorTaskDone> {
    signal.throwIfAborted()
    const work = () => this.#work(task, signal)
    return this.#isBusy ? this.#queue.wait(work, signal, owner) : work()
  }

  async #work(task: TensorTask, signal: AbortSignal): Promise<TensorTaskDone> {
    this.#isBusy = true
    try {
      return await untilAborted(this.#ask(task), signal)
    } catch (error) {
      // What is not waited for any more would hold up the others.
      if (signal.aborted) {
        await this.#worker?.terminate()
        this.#worker = undefined
      }
      throw error
    } finally {
      this.#isBusy = false
      this.#queue.next(undefined)
    }
  }

  #ask(task: TensorTask): Promise<TensorTaskDone> {
    this.#worker ??= this.#start()
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', answered).off('error', failed).off('exit', ended)
        act()
      }
      const answered = (done: TensorTaskDone) =>
        settle(() => (done.kind === 'fault' ? reject(faultOf(done)) : resolve(done)))
      const failed = (cause: Error) => settle(() => reject(tooMuch(cause)))
      const ended = () => settle(() => reject(tooMuch(undefined)))
      worker.on('message', answered).on('error', failed).on('exit', ended)
      worker.postMessage(task)
    })
  }

  #start(): Worker {
    const worker = new Worker(WORKER_FILE, {
      name: 'boxlet-tensors',
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    // An error ends the thread; whoever asked it hears of it in `#ask`.
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (this.#worker === worker) {
        this.#worker = undefined
      }
    })
    worker.unref()
    return worker
  }
}

/** Only the body itself: its buffer may be part of a larger one. */
const copied = (request: TensorRequest): TensorRequest => ({ ...request, body: request.body.slice() })

function elementsAsText({ request, results }: TensorAnswer): number {
  const binary = new Map(request.outputs?.map((output) => [output.name, output.binary]))
  let elements = 0
  for (const [name, { data }] of results) {
    const isSent = request.outputs === undefined || binary.has(name)
    elements += isSent && !(binary.get(name) ?? request.binaryByDefault) ? data.length : 0
  }
  return elements
}

const faultOf = ({ error }: Extract<TensorTaskDone, { kind: 'fault' }>): BoxletError =>
  new BoxletError(error.code, error.message, defined({ hint: error.hint }))

const tooMuch = (cause: unknown): BoxletError =>
  new BoxletError(
    'REQUEST_TOO_LARGE',
    'Expected tensors that fit into memory as text but received larger ones.',
    {
      cause,
      hint: 'Send tensors as bytes, after the JSON.',
    },
  )

const unexpected = () => new BoxletError('INTERNAL', 'Expected an answer to this task but received another.')
