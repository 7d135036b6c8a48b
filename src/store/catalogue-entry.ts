/** The form of `catalogue/NAME/model.json`: what a model is, under which licence, and where its bytes are. */
import type { Contract, Licence, Task } from '../model/contract.ts'

/** A file at an address. The hash of the entry proves the bytes, whoever serves them. */
export interface HttpsSource {
  type: 'https'
  /** https, or http on this machine only. Pinned to a revision wherever the host has revisions. */
  url: string
}

/** One file inside a published npm package. */
export interface NpmSource {
  type: 'npm'
  package: string
  /** Exact version. */
  version: string
  /** Subresource integrity of the whole package, compared with what the registry says before the download. */
  integrity: string
  /** Path in the archive, which begins with `package/`. */
  path: string
}

export type ModelSource = HttpsSource | NpmSource

/** Accuracy as its authors published it; Boxlet did not measure it. */
export interface PublishedAccuracy {
  /** E.g. `AP` (IoU 0.50–0.95) or `AP50`. */
  metric: string
  /** Percent. */
  value: number
  dataset: string
  /** Who says so. */
  source: string
}

export interface CatalogueEntry {
  name: string
  title: string
  task: Task
  family: string
  format: 'onnx' | 'tflite'
  bytes: number
  /** Lower-case hex of the model file. */
  sha256: string
  /** Pixels. */
  input: { width: number; height: number }
  licence: Licence & {
    /** Where the licence of the weights is stated. */
    source: string
  }
  /** Absent when nobody published a number for exactly this file. */
  accuracy?: PublishedAccuracy
  /** Tried in this order. */
  sources: ModelSource[]
  /** The whole contract, for a file that recognition cannot know. */
  contract?: Contract
  /** Parts to lay over the recognised contract with `mergeContract`, where the file leaves them open. */
  overrides?: Record<string, unknown>
}
