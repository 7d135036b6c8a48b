import type { Dataset } from './dataset.ts'

export interface ClassStats {
  name: string
  objects: number
  pictures: number
  crowds: number
  difficult: number
  /** By area as COCO divides: below 32², up to 96², above. */
  small: number
  medium: number
  large: number
  /** Pixels. */
  medianWidth: number
  medianHeight: number
}

export interface DatasetStats {
  name: string
  format: string
  pictures: number
  emptyPictures: number
  objects: number
  objectsPerPicture: { median: number; most: number }
  /** Pixels. */
  pictureSizes: { smallest: string; median: string; largest: string }
  classes: ClassStats[]
  /** Names without a single object. */
  unusedClasses: string[]
}

const SMALL = 32 ** 2
const MEDIUM = 96 ** 2

/** Counts a data set. Crowds count as crowds only, not as objects. */
export function datasetStats(dataset: Dataset): DatasetStats {
  const perPicture = new Map<number, number>(dataset.images.map((image) => [image.id, 0]))
  for (const { imageId } of dataset.annotations) {
    perPicture.set(imageId, (perPicture.get(imageId) ?? 0) + 1)
  }
  const counts = [...perPicture.values()].sort((a, b) => a - b)
  const sizes = [...dataset.images].sort((a, b) => a.width * a.height - b.width * b.height)
  const size = (at: number) => (sizes[at] === undefined ? '–' : `${sizes[at].width} × ${sizes[at].height}`)
  const classes = dataset.categories.map((category) => classStats(dataset, category))
  return {
    name: dataset.name,
    format: dataset.format,
    pictures: dataset.images.length,
    emptyPictures: counts.filter((count) => count === 0).length,
    objects: classes.reduce((sum, entry) => sum + entry.objects, 0),
    objectsPerPicture: { median: middle(counts), most: counts.at(-1) ?? 0 },
    pictureSizes: {
      smallest: size(0),
      median: size(Math.floor(sizes.length / 2)),
      largest: size(sizes.length - 1),
    },
    classes: classes
      .filter((entry) => entry.objects + entry.crowds > 0)
      .sort((a, b) => b.objects - a.objects),
    unusedClasses: classes.filter((entry) => entry.objects + entry.crowds === 0).map((entry) => entry.name),
  }
}

function classStats(dataset: Dataset, category: { id: number; name: string }): ClassStats {
  const all = dataset.annotations.filter((annotation) => annotation.categoryId === category.id)
  const objects = all.filter((annotation) => !annotation.crowd)
  const sorted = (of: (annotation: (typeof all)[number]) => number) => objects.map(of).sort((a, b) => a - b)
  const small = objects.filter((annotation) => annotation.area < SMALL).length
  const large = objects.filter((annotation) => annotation.area > MEDIUM).length
  return {
    name: category.name,
    objects: objects.length,
    pictures: new Set(all.map((annotation) => annotation.imageId)).size,
    crowds: all.length - objects.length,
    difficult: objects.filter((annotation) => annotation.difficult).length,
    small,
    medium: objects.length - small - large,
    large,
    medianWidth: middle(sorted((annotation) => annotation.box.width)),
    medianHeight: middle(sorted((annotation) => annotation.box.height)),
  }
}

const middle = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0
