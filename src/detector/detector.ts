import type { Detection } from '../boxes/detection.ts'
import { isCut, mergeSliced } from '../boxes/merge.ts'
import { BoxletError, throwIfAborted, toBoxletError } from '../errors.ts'
import { decodeImage } from '../image/decode/decode.ts'
import { type Contract, channelCount } from '../model/contract.ts'
import type { Tensor } from '../model/tensor.ts'
import type { SessionTensorInfo } from '../runtime/session.ts'
import { defined } from '../system/defined.ts'
import { checkDetectOptions, checkLoadArguments } from './arguments.ts'
import { batchLimit, sameInput } from './batch.ts'
import { StageClock } from './clock.ts'
import type { PreparedPicture } from './feeds.ts'
import { fitPicture } from './fit.ts'
import type { LoadedModel } from './load.ts'
import {
  boxes,
  type Criteria,
  criteriaOf,
  decodePlausible,
  outputsOf,
  type PlacedPicture,
  place,
  prepare,
  run,
} from './pipeline.ts'
import { allOf, readyPicture } from './ready-picture.ts'
import { crop, moved, placesOf, sliceOptions } from './tiles.ts'
import type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  LoadOptions,
  ModelInfo,
  PictureInput,
  RgbImage,
} from './types.ts'

/** Pictures of a batch that are decoded at once: more would hold their pixels and gain nothing. */
const DECODED_AT_ONCE = 4
/** Bytes of tensors kept for another picture: a few of the usual 5 MB. */
const MAX_SPARE_BYTES = 64 * 2 ** 20

/**
 * A model that finds objects in pictures.
 *
 * ```ts
 * await using detector = await Detector.load('yolov8n')
 * const { detections } = await detector.detect(await readFile('photo.jpg'))
 * ```
 *
 * Calls may overlap: decoding of one picture then runs beside the model run of another. The run itself holds
 * the thread; a service puts detectors into workers.
 */
export class Detector implements DetectorLike {
  readonly #loaded: LoadedModel
  #disposed = false
  #released: Promise<void> | undefined
  readonly #runs = new Set<Promise<unknown>>()
  /** Tensors to use again: a new one of 5 MB for each picture is the largest garbage of all. */
  readonly #spare: PreparedPicture['data'][] = []

  protected constructor(loaded: LoadedModel) {
    this.#loaded = loaded
  }

  /**
   * @param model name in the catalogue, or path of an ONNX or TFLite file or a PyTorch checkpoint
   * @throws BoxletError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNRECOGNISED, CONTRACT_INVALID, DOWNLOAD_FAILED …
   */
  static async load(model: string, options: LoadOptions = {}): Promise<Detector> {
    try {
      checkLoadArguments(model, options)
      // What finds, recognises and prepares files is a third of all code, and packaged models need none of it.
      const { loadModel } = await import('./load.ts')
      return new this(await loadModel(model, options))
    } catch (error) {
      throw toBoxletError(error)
    }
  }

  /** Takes a model that is open already, such as a packaged one, whose contract and graph were settled before. */
  static of(loaded: LoadedModel): Detector {
    return new Detector(loaded)
  }

  get model(): ModelInfo {
    return this.#loaded.info
  }

  /** The contract of the graph that runs; differs from `model.contract` where an equivalent graph took its place. */
  get runs(): Contract {
    return this.#loaded.contract
  }

  /** Inputs and outputs of the graph that runs. Load with `asIs` for those of the file itself. */
  get tensors(): { inputs: readonly SessionTensorInfo[]; outputs: readonly SessionTensorInfo[] } {
    const { inputs, outputs } = this.#loaded.session
    return { inputs, outputs }
  }

  /**
   * Finds objects in one picture.
   *
   * @returns boxes in pixels of the upright original picture, best first
   * @throws BoxletError IMAGE_… for the picture, USAGE for options, ABORTED, DISPOSED
   */
  async detect(image: PictureInput, options?: DetectOptions): Promise<DetectResult>
  /** Finds objects in each picture of a list. The first bad one rejects the call; `detectBatch` tells them apart. */
  async detect(images: readonly PictureInput[], options?: DetectOptions): Promise<DetectResult[]>
  async detect(
    image: PictureInput | readonly PictureInput[],
    options: DetectOptions = {},
  ): Promise<DetectResult | DetectResult[]> {
    try {
      checkDetectOptions(options)
      return Array.isArray(image)
        ? allOf(await this.detectBatch(image, options))
        : await this.#detect(image as PictureInput, options)
    } catch (error) {
      throw toBoxletError(error)
    }
  }

  /**
   * Finds objects in several pictures. Those whose inputs have one size share a run where the file takes more
   * than one picture at a time; the others run one by one. A bad picture only rejects itself. Times are shares
   * of the run.
   *
   * On one processor a shared run is no faster: this is for files with a fixed batch axis above one.
   */
  async detectBatch(
    images: readonly PictureInput[],
    options: DetectOptions = {},
  ): Promise<PromiseSettledResult<DetectResult>[]> {
    checkDetectOptions(options)
    if (!Array.isArray(images)) {
      throw new BoxletError('USAGE', 'Expected a list of pictures for detectBatch.')
    }
    const limit = batchLimit(this.#loaded)
    const window = Math.max(limit, DECODED_AT_ONCE)
    const results: PromiseSettledResult<DetectResult>[] = []
    for (let start = 0; start < images.length; start += window) {
      const part = images.slice(start, start + window)
      const done =
        limit === 1 || options.slice
          ? Promise.allSettled(part.map((image) => this.detect(image, options)))
          : this.#detectWindow(part, options, limit)
      results.push(...(await done))
    }
    return results
  }

  async #detectWindow(
    images: readonly PictureInput[],
    options: DetectOptions,
    limit: number,
  ): Promise<PromiseSettledResult<DetectResult>[]> {
    const criteria = criteriaOf(this.#loaded.info.contract, options)
    const placed = await Promise.allSettled(images.map((image) => this.#place(image, options)))
    const results = placed.map((place): PromiseSettledResult<DetectResult> | undefined =>
      place.status === 'rejected' ? { status: 'rejected', reason: toBoxletError(place.reason) } : undefined,
    )
    for (const group of sameInput(placed, limit)) {
      const clock = new StageClock()
      const places = group.map(({ place }) => place)
      const [outcome] = await Promise.allSettled([
        this.#detectPlaced(places, criteria, clock, options.signal),
      ])
      group.forEach(({ index, place }, i) => {
        results[index] =
          outcome.status === 'rejected'
            ? { status: 'rejected', reason: toBoxletError(outcome.reason) }
            : {
                status: 'fulfilled',
                value: {
                  image: place.letterbox.image,
                  detections: outcome.value[i]!,
                  timings: clock.share(group.length),
                },
              }
      })
    }
    return results as PromiseSettledResult<DetectResult>[]
  }

  /** Runs raw tensors through the graph, as they are. */
  async infer(inputs: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    this.#checkUsable()
    return this.#run(this.#loaded.session.run(inputs))
  }

  /** One run on an empty picture: the first run of a session takes longer than the next ones. */
  async warmUp(): Promise<void> {
    const { width, height } = this.#loaded.contract.input.size
    await this.detect({ width, height, data: new Uint8Array(width * height * 3) })
  }

  /** Runs that the runtime has already are finished; calls that still decode end with DISPOSED. */
  dispose(): Promise<void> {
    this.#disposed = true
    this.#released ??= Promise.allSettled(this.#runs).then(() => this.#loaded.session.release())
    return this.#released
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  async #detect(image: PictureInput, options: DetectOptions): Promise<DetectResult> {
    const criteria = criteriaOf(this.#loaded.info.contract, options)
    this.#checkUsable(options.signal)
    const clock = new StageClock()
    const placed = await this.#place(image, options)
    clock.end('decode')
    this.#checkUsable(options.signal)
    const [whole] = await this.#detectPlaced([placed], criteria, clock)
    const detections = options.slice
      ? await this.#detectTiles(placed.pixels, whole!, options, criteria, clock)
      : whole!
    return { image: placed.letterbox.image, detections, timings: clock.finish() }
  }

  /** Decodes a picture and finds its place in the model input. */
  async #place(given: PictureInput, options: DetectOptions): Promise<PlacedPicture> {
    const { contract } = this.#loaded
    const image = await readyPicture(given, options)
    if (!(image instanceof Uint8Array)) {
      return place(image, contract)
    }
    const mayShrink = !options.slice && contract.input.geometry.fit !== 'none'
    const { pixels, size } = await decodeImage(image, {
      ...(mayShrink ? { shrinkTo: (original) => fitPicture(original, contract).content } : {}),
      ...defined({ signal: options.signal }),
      ...options.image,
    })
    return place(pixels, contract, size)
  }

  /** One run over pictures of one input size; detections of each. */
  async #detectPlaced(
    pictures: readonly PlacedPicture[],
    criteria: Criteria,
    clock: StageClock,
    signal?: AbortSignal,
  ): Promise<Detection[][]> {
    this.#checkUsable(signal)
    const { contract, family } = this.#loaded
    const channels = channelCount(contract.input.colour)
    const prepared = pictures.map((picture) => {
      const { width, height } = picture.letterbox.input
      return prepare(picture, contract, this.#takeSpare(width * height * channels))
    })
    clock.end('prepare')
    const outputs = await this.#run(run(this.#loaded, prepared))
    clock.end('run')
    for (const { data } of prepared) {
      this.#keepSpare(data)
    }
    const found = prepared.map(({ letterbox }, i) => {
      const ofOne = outputsOf(contract, outputs, i)
      return boxes(
        decodePlausible(family, contract, ofOne, letterbox, criteria),
        letterbox,
        contract,
        criteria,
      )
    })
    clock.end('boxes')
    return found
  }

  /** Tiles find what is too small in the whole picture; the whole picture finds what is cut by every tile. */
  async #detectTiles(
    pixels: RgbImage,
    whole: Detection[],
    options: DetectOptions,
    criteria: Criteria,
    clock: StageClock,
  ): Promise<Detection[]> {
    const { contract } = this.#loaded
    const places = placesOf(pixels, sliceOptions(options.slice || true, contract.input.size))
    if (places.length === 1) {
      return whole
    }
    const found = whole.map((detection) => ({ detection, cut: false }))
    for (const tile of places) {
      this.#checkUsable(options.signal)
      const part = crop(pixels, tile)
      const [inTile] = await this.#detectPlaced([place(part, contract)], criteria, clock)
      for (const local of inTile!) {
        const detection = moved(local, tile)
        found.push({ detection, cut: isCut(detection.box, tile, pixels) })
      }
    }
    const merged = mergeSliced(found, {
      ...defined({ iou: options.iou }),
      acrossClasses: criteria.suppression.kind === 'across-classes',
    })
    return merged.slice(0, criteria.suppression.maxDetections)
  }

  async #run<T>(run: Promise<T>): Promise<T> {
    this.#runs.add(run)
    try {
      return await run
    } finally {
      this.#runs.delete(run)
    }
  }

  #takeSpare(length: number): PreparedPicture['data'] | undefined {
    const index = this.#spare.findIndex((data) => data.length === length)
    return index < 0 ? undefined : this.#spare.splice(index, 1)[0]
  }

  /** Models that take any size hardly ever see one twice; keeping theirs would only hold memory. */
  #keepSpare(data: PreparedPicture['data']): void {
    if (this.#loaded.contract.input.geometry.fit === 'none') {
      return
    }
    this.#spare.push(data)
    let bytes = this.#spare.reduce((sum, { byteLength }) => sum + byteLength, 0)
    while (bytes > MAX_SPARE_BYTES) {
      bytes -= this.#spare.shift()!.byteLength
    }
  }

  #checkUsable(signal?: AbortSignal): void {
    if (this.#disposed) {
      throw new BoxletError('DISPOSED', 'Expected a live detector but it was disposed.')
    }
    throwIfAborted(signal)
  }
}
