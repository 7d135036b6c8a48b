import { knowModel } from '../detector/load.ts'
import { readModelFile } from '../detector/model-file.ts'
import type { LoadOptions } from '../detector/types.ts'
import type { Contract } from '../model/contract.ts'
import { isTflite } from '../prepare/read-signature.ts'
import { resolveModel } from '../store/store.ts'

/** A model that is to be worked on: what it is, and its ONNX form with all weights inside. */
export interface ModelSource {
  /** Where the file lies. */
  path: string
  name: string
  contract: Contract
  bytes: Uint8Array
  /** Bytes of the file that was given, which may be of another format. */
  given: number
}

/**
 * Finds, reads and knows a model, so that what is no detector is told before any work.
 *
 * @throws BoxletError as `Detector.load`
 */
export async function openSource(
  model: string,
  options: LoadOptions,
  env = process.env,
): Promise<ModelSource> {
  const resolved = await resolveModel(model, {
    env,
    signal: options.signal,
    onProgress: options.onProgress,
    onNotice: options.onNotice,
  })
  const file = await readModelFile(resolved.path)
  const { contract } = await knowModel(resolved, file, options, 1)
  const { bytes } = isTflite(file.bytes)
    ? (await import('../tflite/tflite.ts')).tfliteToOnnx(file.bytes)
    : file
  return { path: resolved.path, name: resolved.name, contract, bytes, given: file.bytes.length }
}
