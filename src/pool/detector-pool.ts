import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readyPicture } from '../detector/ready-picture.ts'
import type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  LoadOptions,
  ModelInfo,
  PictureInput,
} from '../detector/types.ts'
import { BoxletError, throwIfAborted, toBoxletError } from '../errors.ts'
import { defaultThreads } from '../runtime/processors.ts'
import { WorkerPool } from './worker-pool.ts'

/** The next picture is decoded by other threads while the last one runs. */
const TASKS_PER_WORKER = 2

export interface DetectorPoolOptions extends LoadOptions {
  /** Worker threads, each with a copy of the model. Default: as many as the process may use. */
  workers?: number
  /** Pictures that may wait for a worker; beyond it, calls reject with OVERLOADED. Default: no limit. */
  queue?: number
  /**
   * Milliseconds after which a picture counts as hanging: its call rejects, and another worker takes the place of
   * the one that hangs. Default: two minutes, ten for a picture in tiles.
   */
  hangMs?: number
  /** Modules that each worker imports first, as absolute paths or `file:` URLs: those that register a family. */
  imports?: readonly (string | URL)[]
}

/**
 * One model in several worker threads, for programs that must answer while a model runs, or that want all
 * processors. Each run has one thread unless `threads` says otherwise: as many workers as processors, with one
 * thread each, finish the most pictures.
 */
export class DetectorPool implements DetectorLike {
  readonly #pool: WorkerPool
  readonly #detector: DetectorLike
  #closed: Promise<boolean> | undefined

  private constructor(pool: WorkerPool, detector: DetectorLike) {
    this.#pool = pool
    this.#detector = detector
  }

  /**
   * @param model name in the catalogue, or path of an ONNX or TFLite file
   * @throws BoxletError as `Detector.load`, and USAGE for the options of the pool
   */
  static async open(model: string, options: DetectorPoolOptions = {}): Promise<DetectorPool> {
    const {
      workers,
      queue,
      hangMs,
      imports = [],
      threads = 1,
      signal,
      onProgress,
      onNotice,
      ...load
    } = options
    for (const [name, value] of Object.entries({ workers, threads, hangMs })) {
      expectWhole(name, value, 1)
    }
    expectWhole('queue', queue === Number.POSITIVE_INFINITY ? undefined : queue, 0)
    const pool = await WorkerPool.start({
      models: [{ name: model, model, options: load }],
      workers: workers ?? Math.max(1, Math.floor(defaultThreads() / threads)),
      threads,
      queue: queue ?? Number.POSITIVE_INFINITY,
      imports: imports.map(addressOf),
      tasksPerWorker: TASKS_PER_WORKER,
      ...(hangMs !== undefined && { hangMs }),
      onProgress,
      onNotice,
      signal,
      whenClosed: () => new BoxletError('DISPOSED', 'Expected an open pool but it was closed.'),
    })
    return new DetectorPool(pool, await pool.get(model))
  }

  get model(): ModelInfo {
    return this.#detector.model
  }

  /** Workers that are ready, those that have work, and pictures that wait. */
  get stats(): { workers: number; busy: number; queued: number } {
    return this.#pool.stats
  }

  /**
   * Finds objects in one picture, on the worker with the least to do.
   *
   * @returns boxes in pixels of the upright original picture, best first
   * @throws BoxletError as `Detector.detect`, OVERLOADED for a full queue, INTERNAL where the worker ended or hangs
   */
  async detect(image: PictureInput, options?: DetectOptions): Promise<DetectResult>
  /** Finds objects in each picture of a list, on all workers. The first bad one rejects the call. */
  async detect(images: readonly PictureInput[], options?: DetectOptions): Promise<DetectResult[]>
  async detect(
    image: PictureInput | readonly PictureInput[],
    options: DetectOptions = {},
  ): Promise<DetectResult | DetectResult[]> {
    try {
      throwIfAborted(options.signal)
      return Array.isArray(image)
        ? await this.#detectAll(image, options)
        : await this.#detect(image as PictureInput, options)
    } catch (error) {
      throwIfAborted(options.signal)
      throw toBoxletError(error)
    }
  }

  async #detect(picture: PictureInput, options: DetectOptions): Promise<DetectResult> {
    const ready = await readyPicture(picture, options)
    const isOurs = ready !== picture && !(picture instanceof ArrayBuffer)
    return this.#detector.detect(ready, isOurs ? { ...options, consume: true } : options)
  }

  /** Not all at once: what waits in the queue is held in memory, and may be too much for it. */
  async #detectAll(pictures: readonly PictureInput[], options: DetectOptions): Promise<DetectResult[]> {
    const results = new Array<DetectResult>(pictures.length)
    const entries = pictures.entries()
    const next = async (): Promise<void> => {
      for (const [index, picture] of entries) {
        results[index] = await this.#detect(picture, options)
      }
    }
    await Promise.all(Array.from({ length: this.#pool.stats.workers * TASKS_PER_WORKER }, next))
    return results
  }

  /** Workers warm up before they take pictures. */
  async warmUp(): Promise<void> {}

  /**
   * Ends the workers; calls that are not answered yet reject with DISPOSED. A model run cannot be interrupted, so
   * this waits for those under way, five seconds at most.
   *
   * @returns false when a worker still hangs in a run: the process then ends by SIGKILL alone
   */
  close(): Promise<boolean> {
    this.#closed ??= this.#pool.close()
    return this.#closed
  }

  async dispose(): Promise<void> {
    await this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function addressOf(module: string | URL): string {
  const text = String(module)
  if (text.startsWith('file:')) {
    return text
  }
  if (isAbsolute(text)) {
    return pathToFileURL(text).href
  }
  throw new BoxletError(
    'USAGE',
    `Expected absolute paths or file: URLs for imports but received "${text}".`,
    {
      hint: "Write new URL('./my-family.js', import.meta.url).",
    },
  )
}

function expectWhole(name: string, value: number | undefined, min: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= min)) {
    throw new BoxletError(
      'USAGE',
      `Expected a whole number from ${min} for ${name} but received ${String(value)}.`,
    )
  }
}
