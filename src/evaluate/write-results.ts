import { open } from 'node:fs/promises'
import type { Dataset } from '../datasets/dataset.ts'
import type { Evaluation } from './evaluation.ts'
import { toCocoResults } from './predictions.ts'

/** Rows turned into text at once: the results of a large set do not fit into one string. */
const ROWS = 20_000

/** Writes the detections behind an evaluation as COCO results, readable by pycocotools and every COCO tool. */
export async function writeCocoResults(path: string, { work }: Evaluation, dataset: Dataset): Promise<void> {
  const { found } = work.input
  const row = (at: number) => ({
    imageId: work.images[found.image[at]!]!.id,
    categoryId: dataset.categories[found.category[at]!]!.id,
    box: { x: found.x[at]!, y: found.y[at]!, width: found.width[at]!, height: found.height[at]! },
    score: found.score[at]!,
  })
  const file = await open(path, 'w')
  try {
    await file.write('[')
    for (let first = 0; first < found.count; first += ROWS) {
      const count = Math.min(ROWS, found.count - first)
      const rows = toCocoResults(Array.from({ length: count }, (_, i) => row(first + i)))
      const text = rows.map((entry) => JSON.stringify(entry)).join(',\n')
      await file.write(first === 0 ? text : `,\n${text}`)
    }
    await file.write(']\n')
  } finally {
    await file.close()
  }
}
