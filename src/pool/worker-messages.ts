import type { RawTensorInfo } from '../detector/detectors.ts'
import type { DetectOptions, DetectResult, ImageInput, LoadOptions, ModelInfo } from '../detector/types.ts'
import type { ErrorCode } from '../errors.ts'
import type { Tensor } from '../model/tensor.ts'

export type Progress = Parameters<NonNullable<LoadOptions['onProgress']>>[0]

/** One model that a pool offers under a name. */
export interface ServedModel {
  name: string
  /** Name in the catalogue or path of a file. */
  model: string
  options: Omit<LoadOptions, 'threads' | 'signal' | 'onProgress' | 'onNotice'>
}

export interface WorkerSettings {
  models: readonly ServedModel[]
  /** Processor threads of one run. */
  threads: number
  /** Addresses of modules that are imported first, such as those that register a family. */
  imports: readonly string[]
  /** Leaves the processors to the thread that answers callers. */
  yields: boolean
}

/** Everything that travels to a worker. The signal stays behind: functions cannot be sent. */
export type WorkerRequest =
  | { id: number; kind: 'detect'; model: string; image: ImageInput; options: Omit<DetectOptions, 'signal'> }
  | { id: number; kind: 'describe'; model: string }
  | { id: number; kind: 'infer'; model: string; feeds: ReadonlyMap<string, Tensor> }
  /** Nobody waits for this task any more: stop it where it can be stopped. */
  | { id: number; kind: 'cancel' }
  /** Stop what can be stopped, and end the thread once no run is under way. */
  | { kind: 'leave' }

/** A request that is answered. */
export type TaskRequest = Exclude<WorkerRequest, { kind: 'cancel' | 'leave' }>

/** The same, before it gets its number. */
export type Task = TaskRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

export interface WorkerError {
  code: ErrorCode
  message: string
  hint: string | undefined
  details: Record<string, unknown> | undefined
  /** For the log of the operator only. */
  stack: string | undefined
}

export type WorkerReply =
  | { kind: 'ready'; models: ModelInfo[]; loadMs: number[] }
  | { kind: 'failed'; error: WorkerError }
  | { kind: 'notice'; line: string }
  | { kind: 'progress'; progress: Progress }
  | { id: number; kind: 'result'; result: DetectResult | RawShapes | ReadonlyMap<string, Tensor> }
  | { id: number; kind: 'error'; error: WorkerError }

export interface RawShapes {
  inputs: readonly RawTensorInfo[]
  outputs: readonly RawTensorInfo[]
}
