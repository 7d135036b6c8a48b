import type { Dataset } from '../datasets/dataset.ts'
import type { Evaluation } from './evaluation.ts'
import { toCocoResults } from './predictions.ts'

/** The detections behind an evaluation as COCO results, readable by pycocotools and every COCO tool. */
export function predictionsOf({ work }: Evaluation, dataset: Dataset): object[] {
  const { found } = work.input
  return toCocoResults(
    Array.from({ length: found.count }, (_, row) => ({
      imageId: work.images[found.image[row]!]!.id,
      categoryId: dataset.categories[found.category[row]!]!.id,
      box: { x: found.x[row]!, y: found.y[row]!, width: found.width[row]!, height: found.height[row]! },
      score: found.score[row]!,
    })),
  )
}
