import { join } from 'node:path'
import { type Annotation, annotationsByImage, type Dataset, type DatasetImage } from './dataset.ts'
import { vocXml } from './voc-text.ts'
import {
  countObjects,
  countPictures,
  flatNames,
  loss,
  type Part,
  placePictures,
  prepareFolder,
  stemOf,
  type WriteOptions,
  type Written,
  writeText,
} from './write.ts'

/** Writes `Annotations`, `JPEGImages` and, for a divided set, `ImageSets/Main`. */
export async function writeVoc(
  parts: readonly Part[],
  folder: string,
  options: WriteOptions = {},
): Promise<Written> {
  await prepareFolder(folder, options.force ?? false)
  const pairs: [string, string][] = []
  const taken = new Set<string>()
  for (const { name, dataset } of parts) {
    const names = flatNames(dataset.images, taken)
    const objects = annotationsByImage(dataset)
    const classes = new Map(dataset.categories.map((category) => [category.id, category.name]))
    for (const image of dataset.images) {
      const fileName = names.get(image.id)!
      const text = toXml(image, fileName, objects.get(image.id)!, classes)
      await writeText(join(folder, 'Annotations', `${stemOf(fileName)}.xml`), text)
      pairs.push([image.path, join(folder, 'JPEGImages', fileName)])
    }
    const list = [...names.values()].map((fileName) => `${stemOf(fileName)}\n`).join('')
    if (name !== 'all') {
      await writeText(join(folder, 'ImageSets', 'Main', `${name}.txt`), list)
    }
  }
  await placePictures(pairs, options)
  return {
    format: 'voc',
    pictures: countPictures(parts),
    objects: countObjects(parts),
    losses: losses(parts),
  }
}

const toXml = (
  { width, height }: DatasetImage,
  fileName: string,
  objects: Annotation[],
  classes: Map<number, string>,
): string =>
  vocXml({
    folder: 'JPEGImages',
    fileName,
    width,
    height,
    objects: objects.map(({ box, categoryId, crowd, difficult, extra }) => ({
      name: classes.get(categoryId)!,
      box,
      ...(typeof extra?.pose === 'string' ? { pose: extra.pose } : {}),
      truncated: extra?.truncated === true,
      difficult: difficult || crowd,
    })),
  })

function losses(parts: readonly Part[]): string[] {
  const all = parts.flatMap((part) => part.dataset.annotations)
  return [
    ...loss(
      all.filter((entry) => entry.crowd).length,
      'crowds are marked difficult, which VOC knows instead.',
    ),
    ...loss(
      all.filter((entry) => entry.segmentation !== undefined).length,
      'outlines are left out; VOC keeps only boxes in XML.',
    ),
    ...loss(emptyParts(parts), 'parts have no picture.'),
  ]
}

const emptyParts = (parts: readonly { dataset: Dataset }[]): number =>
  parts.filter((part) => part.dataset.images.length === 0).length
