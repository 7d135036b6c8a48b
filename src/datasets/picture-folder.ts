import { relative, resolve, sep } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Dataset } from './dataset.ts'
import { mapInOrder } from './in-order.ts'
import { isFolder, listPictures } from './picture-files.ts'
import { pictureSize } from './picture-size.ts'

const CONCURRENCY = 16

/** A folder of pictures without labels, as a data set without classes. */
export async function openPictureFolder(
  folder: string,
  limit?: number,
  signal?: AbortSignal,
): Promise<Dataset> {
  if (!(await isFolder(folder))) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a folder of pictures at "${folder}" but there is none.`,
    )
  }
  const files = (await listPictures(resolve(folder))).slice(0, limit)
  if (files.length === 0) {
    throw new BoxletError('DATASET_INVALID', `Expected pictures in "${folder}" but there are none.`)
  }
  const sizes = await mapInOrder(files, CONCURRENCY, pictureSize, signal)
  const images = files.flatMap((path, i) => {
    const size = sizes[i]
    const fileName = relative(resolve(folder), path).split(sep).join('/')
    return size === undefined ? [] : [{ id: i + 1, fileName, path, ...size }]
  })
  const problems = files.flatMap((file, i) =>
    sizes[i] === undefined
      ? [
          {
            kind: 'picture-unreadable' as const,
            file,
            message: 'Expected a picture but the file cannot be read',
          },
        ]
      : [],
  )
  return { name: folder, format: 'coco', categories: [], images, annotations: [], problems, notes: [] }
}
