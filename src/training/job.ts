import type { Dataset } from '../datasets/dataset.ts'
import type { Evaluation } from '../evaluate/evaluation.ts'
import type { SampleFormat } from './augment/sample.ts'
import type { TrainingPicture } from './data/pictures.ts'
import type { BaseFile } from './model/base.ts'
import type { Network } from './model/network.ts'
import type { TrainingGraph } from './model/training-graph.ts'
import type { Settings } from './plan.ts'
import type { History } from './run/history.ts'
import type { Recipe } from './run/recipe.ts'
import type { Stage } from './run/shared-state.ts'

/** What is to be taught, from what, and how. */
export interface TeachJob {
  base: BaseFile
  labels: readonly string[]
  train: Dataset
  val: Dataset | undefined
  settings: Settings
  /** Where temporary files lie, beside the result: its path without the ending. */
  stem: string
  /** Goes on with a stopped run. */
  resume: boolean
  signal?: AbortSignal
  onEvent(event: TeachEvent): void | Promise<void>
}

/** What can be shown while a run goes on. */
export type TeachEvent =
  | {
      kind: 'planned'
      recipe: Recipe
      pictures: readonly TrainingPicture[]
      format: SampleFormat
      memory: number
    }
  | { kind: 'resumed'; step: number }
  | { kind: 'nothing-stopped' }
  | { kind: 'progress'; step: number; steps: number; seconds: number; firstStep: number }
  | { kind: 'round'; history: History; steps: number }
  | { kind: 'validated'; history: History; steps: number; evaluation: Evaluation }
  | { kind: 'stopped'; because: 'asked' | 'no-gain'; step: number }

/** A run that came to an end, whole or early. */
export interface Taught {
  recipe: Recipe
  network: Network
  graph: TrainingGraph
  history: History
  /** Steps done. */
  step: number
  endedBy: 'plan' | 'asked' | 'no-gain'
  /** The weights to write, and after how many steps they were taken. */
  weights: Float32Array
  weightsStep: number
  /** Seconds of each stage, over all workers. */
  stages: Record<Stage, number>
  pictures: number
  /** Seconds of this session, without those before a resumption. */
  seconds: number
  /** Largest resident memory seen, bytes. */
  memory: number
  /** Writes these weights, or others, as a model file. */
  write(weights: Float32Array, metadata: ReadonlyMap<string, string>): Uint8Array
  /** Removes what `resume` goes on with, once the result is safe. */
  forget(): Promise<void>
}
