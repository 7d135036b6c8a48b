import type { Size } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract, Evidence } from '../model/contract.ts'
import type { DownloadProgress } from '../store/download.ts'
import type { DetectOptions } from './options.ts'

export type { RgbImage } from '../image/rgb-image.ts'
export type { DetectOptions, ImageLimits, SliceOptions } from './options.ts'

/** A picture as the caller has it: encoded bytes in any supported format, or upright RGB pixels. */
export type ImageInput = Uint8Array | RgbImage

/**
 * A picture as programs come by it. Text is a path; with `image.fetch` it may be an `https` address too, and so may a
 * `URL`, which is a file otherwise. What can be read once only, such as a stream or a `Response`, is read.
 */
export type PictureInput =
  | ImageInput
  | ArrayBuffer
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | string
  | URL

/** Any part of a contract, at any depth. */
export type ContractParts = {
  [K in keyof Contract]?: Contract[K] extends object ? Partial<Contract[K]> : Contract[K]
}

export interface LoadOptions {
  /** Overrides of the contract: a path, or the parts to change. */
  contract?: string | ContractParts
  /** Path of a label file, or the labels themselves (index is the class id). */
  labels?: string | readonly (string | null)[]
  /** Processor threads of one run. Default: the processor quota, spinning off. */
  threads?: number
  /** Runs the model as the file says, without the equivalent faster graph. */
  asIs?: boolean
  signal?: AbortSignal
  /** Bytes fetched so far, while a model of the catalogue is downloaded. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Lines for a person, such as the licence of weights that are about to be fetched. */
  onNotice?: ((line: string) => void) | undefined
}

/** Milliseconds. `total` holds waiting too, so it can exceed the sum. */
export interface Timings {
  decode: number
  prepare: number
  run: number
  boxes: number
  total: number
}

export interface DetectResult {
  image: Size
  /** Best first. */
  detections: Detection[]
  timings: Timings
}

export interface ModelInfo {
  name: string
  family: string
  /** SHA-256 of the file, lower-case hexadecimal. */
  sha256: string
  licence: string | null
  contract: Contract
  /** Why the contract is what it is; empty when it was stored. */
  evidence: Evidence[]
}

/** What callers outside the engine hold: the detector itself, a pool of workers, or a remote service. */
export interface DetectorLike extends AsyncDisposable {
  readonly model: ModelInfo
  detect(image: ImageInput, options?: DetectOptions): Promise<DetectResult>
  warmUp(): Promise<void>
  dispose(): Promise<void>
}
