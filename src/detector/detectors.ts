import type { Dimension } from '../model/signature.ts'
import type { Tensor } from '../model/tensor.ts'
import type { DetectorLike } from './types.ts'

/** Several models by name. A server gives a pool of workers, Lambda its one detector. */
export interface Detectors {
  /** In the order in which they are listed. */
  readonly names: readonly string[]
  /** Answers requests that name no model. */
  readonly defaultName: string
  /**
   * @param caller whose work it is: where several wait, callers take turns
   * @throws BoxletError MODEL_NOT_FOUND
   */
  get(name: string, caller?: string): Promise<DetectorLike>
  /** False while models are loading or the owner is stopping. */
  ready(): boolean
  /** The model as its file says, for raw tensors; without it the KServe protocol is not offered. */
  raw?(name: string, caller?: string): Promise<RawModel>
}

export interface RawTensorInfo {
  name: string
  /** As ONNX names it, e.g. `float32`. */
  type: string
  shape: readonly Dimension[]
}

export interface RawModel {
  readonly inputs: readonly RawTensorInfo[]
  readonly outputs: readonly RawTensorInfo[]
  infer(feeds: ReadonlyMap<string, Tensor>, signal?: AbortSignal): Promise<ReadonlyMap<string, Tensor>>
}
