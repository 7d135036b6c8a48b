import type { ApInterval } from '../../evaluate/bootstrap.ts'
import type { Evaluation } from '../../evaluate/evaluation.ts'
import type { NearDuplicate } from '../data/near-duplicates.ts'
import type { History } from '../run/history.ts'
import type { Recipe } from '../run/recipe.ts'
import type { LearningCurve } from './learning-curve.ts'

/** All that is told about a finished run. */
export interface TaughtFacts {
  /** The file that was written. */
  file: string
  base: { name: string; sha256: string; licence: string | null }
  labels: readonly string[]
  recipe: Recipe
  /** Steps done, fewer than planned when the run ended early. */
  step: number
  endedBy: 'plan' | 'asked' | 'no-gain'
  /** Steps after which the weights of the file were taken. */
  weightsStep: number
  history: History
  seconds: number
  picturesPerSecond: number
  /** Largest resident memory, bytes. */
  memory: number
  parts: { train: PartFacts; val: PartFacts | null; test: PartFacts | null; because: string }
  duplicates: readonly NearDuplicate[]
  notes: readonly string[]
  /** On the test pictures, else on those of validation. */
  measured: { part: 'test' | 'val'; evaluation: Evaluation; interval: ApInterval } | undefined
  curve: LearningCurve | undefined
  /** What training and use cost with Custom Labels, in US dollars, as the caller knows. */
  prices: CustomLabelsPrices
  /** Makes the same file again. */
  command: string
}

export interface PartFacts {
  pictures: number
  objects: number
}

export interface CustomLabelsPrices {
  trainingHour: number
  inferenceHour: number
  asOf: string
}
