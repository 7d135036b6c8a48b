import type { Dataset } from '../../datasets/dataset.ts'

/** Index of the class in the model for each category of the set. */
export const classIndex = (dataset: Dataset, labels: readonly string[]): Map<number, number> =>
  new Map(
    dataset.categories.flatMap(({ id, name }) => {
      const at = labels.indexOf(name)
      return at < 0 ? [] : [[id, at] as const]
    }),
  )
