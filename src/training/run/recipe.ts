import type { Augmentation } from '../augment/placement.ts'

/** Everything that decides the numbers of a run, beside the pictures and the base. */
export interface Recipe {
  seed: number
  /** Edge of the square input in pixels. */
  size: number
  /** Pictures of one step, shared by the workers. */
  batch: number
  steps: number
  workers: number
  /** Share of the convolutions, from the picture on, that keep their weights. */
  frozen: number
  /** Learning rate of the body at its highest, and how much higher that of the last layers is. */
  rate: number
  headFactor: number
  /** Longest gradient of a batch. */
  clip: number
  /** How pictures are changed, and how in the last part, where they should look as in use. */
  augmentation: Augmentation
  lateAugmentation: Augmentation
  /** Share of the steps that the last part takes. */
  latePart: number
}

/** How the pictures of a step are changed. */
export const augmentationAt = (recipe: Recipe, step: number): Augmentation =>
  step >= recipe.steps * (1 - recipe.latePart) ? recipe.lateAugmentation : recipe.augmentation
