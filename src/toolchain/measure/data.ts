import { countByCategory, type Dataset } from '../../datasets/dataset.ts'
import { locateDataset, openDataset } from '../../datasets/open.ts'
import { openPictureFolder } from '../../datasets/picture-folder.ts'
import { seededRandom } from '../../datasets/random.ts'
import { BoxletError } from '../../errors.ts'
import { mapLabels } from '../../evaluate/label-map.ts'
import { defined } from '../../system/defined.ts'

export interface DataOptions {
  split?: string | undefined
  images?: string | undefined
  signal?: AbortSignal | undefined
}

/**
 * Pictures by a path: a labelled set where it is one, else a folder of pictures.
 *
 * @throws BoxletError DATASET_INVALID where there is neither
 */
export async function openData(path: string, { split, images, signal }: DataOptions): Promise<Dataset> {
  const labelled = await locateDataset(path).then(
    () => true,
    (error: unknown) => {
      // A file has to be a labelled set, and says why it is not.
      if (/\.(json|ya?ml|data)$/i.test(path)) {
        throw error
      }
      return false
    },
  )
  const dataset = labelled
    ? await openDataset(path, defined({ split, images, signal }))
    : await openPictureFolder(path, undefined, signal)
  if (dataset.images.length === 0) {
    throw new BoxletError('DATASET_INVALID', `Expected pictures in "${path}" but there are none.`)
  }
  return dataset
}

/**
 * Says at once where the classes of a set are not those of a model.
 *
 * @throws BoxletError LABELS_INVALID, DATASET_INVALID
 */
export function checkLabels(dataset: Dataset, labels: readonly (string | null)[]): void {
  if (dataset.annotations.length > 0 && labels.length > 0) {
    mapLabels(labels, dataset.categories, {}, countByCategory(dataset))
  }
}

/** Some pictures of a set, spread over all of it, the same each time. */
export function somePictures(dataset: Dataset, count: number): Dataset['images'] {
  const random = seededRandom(1)
  return dataset.images
    .map((image) => ({ image, at: random() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ image }) => image)
}

export interface Divided {
  /** Pictures that ranges are taken from. */
  calibration: Dataset['images']
  /** Pictures that files are compared on: others, where there are enough. */
  evaluation: Dataset
  isApart: boolean
}

/** Divides a set into pictures to calibrate on and pictures to compare on, the same way each time. */
export function divide(dataset: Dataset, calibrate: number, compare: number): Divided {
  const images = somePictures(dataset, calibrate + compare)
  const isApart = images.length > 1
  const count = Math.min(calibrate, Math.max(1, images.length >> 1))
  const calibration = images.slice(0, images.length >= calibrate + LEAST_COMPARED ? calibrate : count)
  const others = isApart ? images.slice(calibration.length) : images
  const ids = new Set(others.map(({ id }) => id))
  const evaluation = {
    ...dataset,
    images: dataset.images.filter(({ id }) => ids.has(id)),
    annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)),
  }
  return { calibration, evaluation, isApart }
}

/** Fewer pictures tell too little to give all others to calibration. */
const LEAST_COMPARED = 8
