import { join } from 'node:path'
import { stringify } from 'yaml'
import { annotationsByImage } from './dataset.ts'
import {
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
import { yoloLine } from './yolo-text.ts'

/** Writes `data.yaml`, and `images/PART` and `labels/PART` for each part. */
export async function writeYolo(
  parts: readonly Part[],
  folder: string,
  options: WriteOptions = {},
): Promise<Written> {
  await prepareFolder(folder, options.force ?? false)
  const pairs: [string, string][] = []
  let objects = 0
  for (const { name, dataset } of parts) {
    const names = flatNames(dataset.images)
    const byImage = annotationsByImage(dataset)
    // YOLO numbers classes from 0 without gaps; the names in data.yaml carry the meaning.
    const classes = new Map(dataset.categories.map((category, i) => [category.id, i]))
    for (const image of dataset.images) {
      const fileName = names.get(image.id)!
      const kept = byImage.get(image.id)!.filter((annotation) => !annotation.crowd)
      objects += kept.length
      const rows = kept.map(({ categoryId, box }) => `${yoloLine(classes.get(categoryId)!, box, image)}\n`)
      await writeText(join(folder, 'labels', name, `${stemOf(fileName)}.txt`), rows.join(''))
      pairs.push([image.path, join(folder, 'images', name, fileName)])
    }
  }
  await writeText(join(folder, 'data.yaml'), toYaml(parts))
  await placePictures(pairs, options)
  return { format: 'yolo', pictures: countPictures(parts), objects, losses: losses(parts) }
}

function toYaml(parts: readonly Part[]): string {
  const names = parts[0]?.dataset.categories.map((category) => category.name) ?? []
  const usual = ['train', 'val', 'test']
  const sorted = [...parts].sort((a, b) => usual.indexOf(a.name) - usual.indexOf(b.name))
  const splits = Object.fromEntries(sorted.map(({ name }) => [name, `images/${name}`]))
  const [only] = parts
  // Trainers refuse a file without either key; an undivided set is named under both, and readers take it once.
  const undivided = only?.name === 'all' ? { train: 'images/all', val: 'images/all' } : splits
  return stringify({ ...undivided, names })
}

function losses(parts: readonly Part[]): string[] {
  const all = parts.flatMap((part) => part.dataset.annotations)
  return [
    ...loss(
      all.filter((entry) => entry.crowd).length,
      'crowds are left out; YOLO cannot say that a box holds many objects.',
    ),
    ...loss(all.filter((entry) => entry.difficult).length, 'objects lose their mark as difficult.'),
    ...loss(
      all.filter((entry) => entry.segmentation !== undefined && !entry.crowd).length,
      'outlines are left out; the boxes stay.',
    ),
    ...loss(
      all.filter((entry) => entry.extra?.keypoints !== undefined && !entry.crowd).length,
      'objects lose their key points; the boxes stay.',
    ),
  ]
}
