/** Runs in a worker thread: holds one detector a model and does everything from the bytes to the boxes. */

import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { Detector } from '../detector/detector.ts'
import { BoxletError, toBoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'

import type {
  Progress,
  TaskRequest,
  WorkerError,
  WorkerReply,
  WorkerRequest,
  WorkerSettings,
} from './worker-messages.ts'

const port = parentPort
if (port === null) {
  throw new Error('worker.js is started by the pool, not by hand')
}
const settings = workerData as WorkerSettings
/** A third of the weight of the thread that answers: it needs little, but at once. */
const WORKER_NICE = 5
// Elsewhere than on Linux it would be the priority of the whole process.
if (settings.yields && process.platform === 'linux') {
  try {
    setPriority(WORKER_NICE)
  } catch {
    // A sandbox may forbid it; the work is done all the same.
  }
}
const detectors = new Map<string, Detector>()
/** Opened at the first raw tensor: most services never see one, and it costs the memory of a second graph. */
const rawDetectors = new Map<string, Promise<Detector>>()

/** Of the tasks that run, so that a cancelled one ends between its tiles or stages. */
const running = new Map<number, AbortController>()

/** Aborted when the thread is to leave while it still loads. */
const loading = new AbortController()

const reply = (message: WorkerReply) => port.postMessage(message)

/** Settles when nothing of a task, nor of loading, is under way any more. */
const underWay = new Set<Promise<void>>()

const track = (work: Promise<void>): Promise<void> => {
  const tracked = work.finally(() => underWay.delete(tracked))
  underWay.add(tracked)
  return tracked
}

port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'leave') {
    void leave()
  } else if (request.kind === 'cancel') {
    running.get(request.id)?.abort()
  } else {
    void track(answer(request))
  }
})
await track(
  loadAll().then(reply, (error) => {
    reply({ kind: 'failed', error: toPlain(error) })
  }),
)

async function loadAll(): Promise<WorkerReply> {
  for (const address of settings.imports) {
    await import(address)
  }
  const loadMs: number[] = []
  const onNotice = (line: string) => reply({ kind: 'notice', line })
  const onProgress = (progress: Progress) => reply({ kind: 'progress', progress })
  for (const { name, model, options } of settings.models) {
    const started = performance.now()
    try {
      const detector = await Detector.load(model, {
        ...options,
        threads: settings.threads,
        onNotice,
        onProgress,
        signal: loading.signal,
      })
      await detector.warmUp()
      detectors.set(name, detector)
    } catch (error) {
      throw settings.models.length > 1 ? ofModel(name, error) : error
    }
    loadMs.push(performance.now() - started)
  }
  return { kind: 'ready', models: [...detectors.values()].map((detector) => detector.model), loadMs }
}

/** Of several models, the one that is meant. */
function ofModel(name: string, error: unknown): BoxletError {
  const { code, message, hint, details, cause } = toBoxletError(error)
  return new BoxletError(code, `Model "${name}": ${message}`, {
    ...defined({ hint, details }),
    cause,
  })
}

/**
 * The thread ends itself, since it alone knows that it is outside the native code: ended from outside within a
 * run, the runtime aborts the whole process.
 */
async function leave(): Promise<void> {
  loading.abort()
  for (const stop of running.values()) {
    stop.abort()
  }
  while (underWay.size > 0) {
    await Promise.allSettled(underWay)
  }
  const opened = await Promise.allSettled([...detectors.values(), ...rawDetectors.values()])
  await Promise.allSettled(
    opened.map((detector) => (detector.status === 'fulfilled' ? detector.value.dispose() : undefined)),
  )
  process.exit(0)
}

async function answer(request: TaskRequest): Promise<void> {
  const stop = new AbortController()
  running.set(request.id, stop)
  try {
    reply({ id: request.id, kind: 'result', result: await work(request, stop.signal) })
  } catch (error) {
    reply({ id: request.id, kind: 'error', error: toPlain(error) })
  } finally {
    running.delete(request.id)
  }
}

async function work(request: TaskRequest, signal: AbortSignal) {
  switch (request.kind) {
    case 'detect':
      return detectorNamed(request.model).detect(request.image, { ...request.options, signal })
    case 'describe':
      return (await rawDetector(request.model)).tensors
    case 'infer':
      return (await rawDetector(request.model)).infer(request.feeds)
  }
}

function detectorNamed(name: string): Detector {
  const detector = detectors.get(name)
  if (detector === undefined) {
    throw new BoxletError('MODEL_NOT_FOUND', 'Expected a model that this worker has.')
  }
  return detector
}

function rawDetector(name: string): Promise<Detector> {
  const served = settings.models.find((model) => model.name === name)
  if (served === undefined) {
    throw new BoxletError('MODEL_NOT_FOUND', 'Expected a model that this worker has.')
  }
  let detector = rawDetectors.get(name)
  if (detector === undefined) {
    detector = Detector.load(served.model, { ...served.options, threads: settings.threads, asIs: true })
    rawDetectors.set(name, detector)
  }
  return detector
}

function toPlain(error: unknown): WorkerError {
  const { code, message, hint, details, cause, stack } = toBoxletError(error)
  return {
    code,
    message,
    hint,
    details,
    stack: code === 'INTERNAL' && cause instanceof Error ? cause.stack : stack,
  }
}
