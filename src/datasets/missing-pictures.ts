import type { Dataset } from './dataset.ts'
import { mapInOrder } from './in-order.ts'
import { isFile } from './picture-files.ts'
import { ProblemList } from './problem.ts'

const CONCURRENCY = 16

/**
 * The data set without the pictures that are not there, each listed as a problem, so that a copy of it does
 * not end half-way.
 *
 * @throws BoxletError DATASET_INVALID at the first one when problems are fatal
 */
export async function withoutMissingPictures(
  dataset: Dataset,
  policy: 'skip' | 'keep' | 'fatal',
): Promise<Dataset> {
  const there = await mapInOrder(dataset.images, CONCURRENCY, (image) => isFile(image.path))
  if (there.every(Boolean)) {
    return dataset
  }
  const list = new ProblemList(policy)
  const images = dataset.images.filter((image, i) => {
    if (there[i]) {
      return true
    }
    const file = image.path === '' ? image.fileName : image.path
    list.add({ kind: 'picture-missing', file, message: 'Expected a picture but there is no such file' })
    return false
  })
  const ids = new Set(images.map((image) => image.id))
  const annotations = dataset.annotations.filter(({ imageId }) => ids.has(imageId))
  return { ...dataset, images, annotations, problems: [...dataset.problems, ...list.problems] }
}
