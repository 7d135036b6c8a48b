import type { ModelInfo } from '../../detector/types.ts'
import type { Contract } from '../../model/contract.ts'

/**
 * `manifest.json` beside a packaged model. Recognition and preparation happened when it was packaged, so a
 * start has nothing left to do but to open the file.
 */
export interface ModelManifest {
  version: 1
  /** Name of the graph beside this one; in S3 it holds its weights, elsewhere they lie beside it. */
  file: string
  /** Of the graph with its weights as one file, which is what runs; `info.sha256` is that of the file that was given. */
  bytes: number
  sha256: string
  info: ModelInfo
  /** Contract of the graph that runs, which preparation may have changed. */
  runs: Contract
}

/** Weights of a model in the package or a layer; one in S3 is a single file, which is fetched and checked whole. */
export const WEIGHTS_FILE = 'model.weights'
export const MANIFEST_FILE = 'manifest.json'
/** Folder in the zip, in a layer, and the last part of the prefix in S3. */
export const MODEL_FOLDER = 'model'
/** A manifest holds labels and a few numbers; one of a thousand classes has 40 KB. */
export const MAX_MANIFEST_BYTES = 4 * 2 ** 20
