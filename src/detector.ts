import type { Detection } from './boxes/detection.ts'
import type { Letterbox } from './boxes/letterbox.ts'
import { mergeDetections } from './boxes/merge.ts'
import { fromTile, type Tile, tiles } from './boxes/slice.ts'
import { fitPicture } from './detector-input.ts'
import { type LoadedModel, loadModel } from './detector-load.ts'
import { toDetections, type Wanted, wanted } from './detector-output.ts'
import { feeds, type PreparedPicture, partOfBatch, rolesOf } from './detector-run.ts'
import type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  ImageInput,
  LoadOptions,
  ModelInfo,
  RgbImage,
  SliceOptions,
  Timings,
} from './detector-types.ts'
import { BoxletError, toBoxletError } from './errors.ts'
import { decodeImage } from './image/decode.ts'
import { toTensor } from './image/tensor.ts'
import type { Contract } from './model/contract.ts'
import type { Tensor } from './model/tensor.ts'
import type { SessionTensorInfo } from './runtime/session.ts'

/** Rows of one picture that a raw head may give before suppression. */
const MAX_CANDIDATES = 30_000
const DEFAULT_SLICE_OVERLAP = 0.2

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
  /** Tensors to use again: a new one of 5 MB for each picture is the largest garbage of all. */
  readonly #spare: PreparedPicture['data'][] = []

  private constructor(loaded: LoadedModel) {
    this.#loaded = loaded
  }

  /**
   * @param model name in the catalogue, or path of an ONNX or TFLite file
   * @throws BoxletError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNRECOGNISED, CONTRACT_INVALID, DOWNLOAD_FAILED …
   */
  static async load(model: string, options: LoadOptions = {}): Promise<Detector> {
    try {
      return new Detector(await loadModel(model, options))
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
  async detect(image: ImageInput, options: DetectOptions = {}): Promise<DetectResult> {
    try {
      return await this.#detect(image, options)
    } catch (error) {
      throw toBoxletError(error)
    }
  }

  /** Runs raw tensors through the graph, as they are. */
  async infer(inputs: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    this.#checkUsable()
    return this.#loaded.session.run(inputs)
  }

  /** One run on an empty picture: the first run of a session takes longer than the next ones. */
  async warmUp(): Promise<void> {
    const { width, height } = this.#loaded.contract.input.size
    await this.detect({ width, height, data: new Uint8Array(width * height * 3) })
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await this.#loaded.session.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  async #detect(image: ImageInput, options: DetectOptions): Promise<DetectResult> {
    const want = wanted(this.#loaded.info.contract, options)
    this.#checkUsable(options.signal)
    const clock = new StageClock()
    const { pixels, size } = await this.#decode(image, options)
    clock.end('decode')
    this.#checkUsable(options.signal)
    const whole = await this.#detectPixels(pixels, fitPicture(size, this.#loaded.contract), want, clock)
    const detections = options.slice ? await this.#detectTiles(pixels, whole, options, want, clock) : whole
    return { image: size, detections, timings: clock.finish() }
  }

  async #decode(
    image: ImageInput,
    options: DetectOptions,
  ): Promise<{ pixels: RgbImage; size: Letterbox['image'] }> {
    if (!(image instanceof Uint8Array)) {
      checkPixels(image)
      return { pixels: image, size: { width: image.width, height: image.height } }
    }
    const { contract } = this.#loaded
    const mayShrink = !options.slice && contract.input.geometry.fit !== 'none'
    return decodeImage(image, {
      ...(mayShrink ? { shrinkTo: (size) => fitPicture(size, contract).content } : {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...options.image,
    })
  }

  async #detectPixels(
    pixels: RgbImage,
    at: Letterbox,
    want: Wanted,
    clock: StageClock,
  ): Promise<Detection[]> {
    const { contract, session, family } = this.#loaded
    const data = toTensor(pixels, at, contract.input, this.#takeSpare(at.input.width * at.input.height * 3))
    clock.end('prepare')
    const batch = this.#fixedBatch()
    const outputs = await session.run(feeds(contract, [{ at, data }], batch))
    clock.end('run')
    this.#spare.push(data)
    const candidates = family.decode(partOfBatch(rolesOf(contract, outputs), 0, batch), {
      contract,
      letterbox: at,
      minScore: want.minScore,
      everyClass: want.everyClass,
      maxCandidates: MAX_CANDIDATES,
    })
    const detections = toDetections(candidates, at, contract, want)
    clock.end('boxes')
    return detections
  }

  /** Tiles find what is too small in the whole picture; the whole picture finds what is cut by every tile. */
  async #detectTiles(
    pixels: RgbImage,
    whole: Detection[],
    options: DetectOptions,
    want: Wanted,
    clock: StageClock,
  ): Promise<Detection[]> {
    const { size, overlap } = sliceOptions(options.slice, this.#loaded.contract.input.size)
    const places = tiles(pixels, size, overlap)
    if (places.length === 1) return whole
    const found = [...whole]
    for (const tile of places) {
      this.#checkUsable(options.signal)
      const part = crop(pixels, tile)
      for (const detection of await this.#detectPixels(
        part,
        fitPicture(part, this.#loaded.contract),
        want,
        clock,
      )) {
        found.push(moved(detection, tile))
      }
    }
    return mergeDetections(found).slice(0, want.suppression.maxDetections)
  }

  /** Exporters may fix the batch axis at more than one picture. */
  #fixedBatch(): number {
    const { contract, session } = this.#loaded
    const first = session.inputs.find(({ name }) => name === contract.input.name)?.shape[0]
    const hasBatch = contract.input.layout === 'NCHW' || contract.input.layout === 'NHWC'
    return hasBatch && typeof first === 'number' && first > 1 ? first : 1
  }

  #takeSpare(length: number): PreparedPicture['data'] | undefined {
    const at = this.#spare.findIndex((data) => data.length === length)
    // Sizes that no longer occur must not pile up.
    if (at < 0 && this.#spare.length > 4) this.#spare.length = 0
    return at < 0 ? undefined : this.#spare.splice(at, 1)[0]
  }

  #checkUsable(signal?: AbortSignal): void {
    if (this.#disposed) throw new BoxletError('DISPOSED', 'Expected a live detector but it was disposed.')
    if (signal?.aborted)
      throw new BoxletError('ABORTED', 'Expected the work to finish but it was cancelled.', {
        cause: signal.reason,
      })
  }
}

function checkPixels({ width, height, data }: RgbImage): void {
  if (
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width > 0 &&
    height > 0 &&
    data.length === width * height * 3
  )
    return
  throw new BoxletError(
    'IMAGE_FORMAT',
    `Expected ${width} × ${height} × 3 bytes for the pixels but received ${data?.length}.`,
  )
}

function sliceOptions(
  slice: true | SliceOptions | undefined | false,
  input: { width: number; height: number },
): Required<SliceOptions> {
  const given = typeof slice === 'object' ? slice : {}
  const size = given.size ?? Math.max(input.width, input.height)
  const overlap = given.overlap ?? DEFAULT_SLICE_OVERLAP
  if (!Number.isInteger(size) || size < 32) {
    throw new BoxletError('USAGE', `Expected a whole number from 32 for the slice size but received ${size}.`)
  }
  if (!(overlap >= 0 && overlap <= 0.9)) {
    throw new BoxletError(
      'USAGE',
      `Expected a number from 0 to 0.9 for the slice overlap but received ${overlap}.`,
    )
  }
  return { size, overlap }
}

function crop(image: RgbImage, tile: Tile): RgbImage {
  const data = new Uint8Array(tile.width * tile.height * 3)
  for (let y = 0; y < tile.height; y++) {
    const from = ((tile.top + y) * image.width + tile.left) * 3
    data.set(image.data.subarray(from, from + tile.width * 3), y * tile.width * 3)
  }
  return { width: tile.width, height: tile.height, data }
}

function moved(detection: Detection, tile: Tile): Detection {
  const { left, top } = tile
  const { mask, keypoints, corners } = detection
  return {
    ...detection,
    box: fromTile(detection.box, tile),
    ...(mask && { mask: { ...mask, left: mask.left + left, top: mask.top + top } }),
    ...(keypoints && {
      keypoints: keypoints.map((point) => ({ ...point, x: point.x + left, y: point.y + top })),
    }),
    ...(corners && { corners: corners.map(({ x, y }) => ({ x: x + left, y: y + top })) }),
  }
}

/** Adds up the time of each stage; a stage may come several times. */
class StageClock {
  readonly #start = performance.now()
  #last = this.#start
  readonly #spent: Timings = { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 }

  end(stage: Exclude<keyof Timings, 'total'>): void {
    const now = performance.now()
    this.#spent[stage] += now - this.#last
    this.#last = now
  }

  finish(): Timings {
    return { ...this.#spent, total: performance.now() - this.#start }
  }
}
