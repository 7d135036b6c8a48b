import type { BoxletError } from '../../errors.ts'
import type { SampleFormat } from '../augment/sample.ts'
import type { TrainingPicture } from '../data/pictures.ts'
import type { Grid } from '../loss/grid.ts'
import type { Recipe } from './recipe.ts'
import type { SharedState } from './shared-state.ts'

/** What a worker thread is started with. */
export interface WorkerSetup {
  id: number
  /** ONNX of the training graph, in shared memory. */
  graph: Uint8Array
  learned: number
  grid: Grid
  recipe: Recipe
  format: SampleFormat
  pictures: readonly TrainingPicture[]
  state: SharedState
  /** Steps between two stops at the gate. */
  round: number
  /** Steps that were done before, in a run that goes on. */
  firstStep: number
}

/** What a worker says. */
export type WorkerMessage =
  | { kind: 'ready' }
  /** All workers wait at the gate. */
  | { kind: 'round'; step: number }
  | { kind: 'done'; step: number }
  | { kind: 'failed'; error: ReturnType<BoxletError['toJSON']> }
