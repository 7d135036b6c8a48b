import { join } from 'node:path'
import { defined } from '../system/defined.ts'
import { cocoBox } from './coco-text.ts'
import type { Annotation, DatasetImage } from './dataset.ts'
import {
  countObjects,
  countPictures,
  type Part,
  placePictures,
  prepareFolder,
  type WriteOptions,
  type Written,
  writeText,
} from './write.ts'

/** Writes COCO instances JSON, one file a part, and the pictures under `images`. Nothing of COCO is lost. */
export async function writeCoco(
  parts: readonly Part[],
  folder: string,
  options: WriteOptions = {},
): Promise<Written> {
  await prepareFolder(folder, options.force ?? false)
  for (const { name, dataset } of parts) {
    const file = {
      info: { description: dataset.name },
      licenses: [],
      categories: dataset.categories.map(({ id, name: category, supercategory }) => ({
        id,
        name: category,
        ...defined({ supercategory }),
      })),
      images: dataset.images.map(toImage),
      annotations: dataset.annotations.map(toAnnotation),
    }
    await writeText(
      join(folder, name === 'all' ? 'instances.json' : `instances_${name}.json`),
      listLines(file),
    )
  }
  const images = parts.flatMap((part) => part.dataset.images)
  await placePictures(
    images.map((image) => [image.path, join(folder, 'images', image.fileName)]),
    options,
  )
  return { format: 'coco', pictures: countPictures(parts), objects: countObjects(parts), losses: [] }
}

const toImage = ({ id, fileName, width, height, extra }: DatasetImage): object => ({
  ...extra,
  id,
  file_name: fileName,
  width,
  height,
})

const toAnnotation = (annotation: Annotation): object => {
  const { id, imageId, categoryId, box, area, crowd, difficult, segmentation, extra } = annotation
  return {
    ...extra,
    id,
    image_id: imageId,
    category_id: categoryId,
    bbox: cocoBox(box),
    area,
    iscrowd: crowd ? 1 : 0,
    ...(difficult ? { ignore: 1 } : {}),
    ...defined({ segmentation }),
  }
}

/** JSON with a line for each picture and annotation, so that a message with a line number leads somewhere. */
function listLines(file: Record<string, unknown>): string {
  const fields = Object.entries(file).map(([key, value]) => {
    const text =
      Array.isArray(value) && value.length > 0
        ? `[\n${value.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`
        : JSON.stringify(value)
    return `${JSON.stringify(key)}: ${text}`
  })
  return `{\n${fields.join(',\n')}\n}\n`
}
