import type { Problem, ProblemPolicy } from './problem.ts'

/** Corner and size in pixels of the upright original picture, as COCO writes boxes. */
export interface CornerBox {
  x: number
  y: number
  width: number
  height: number
}

export interface Category {
  id: number
  name: string
  supercategory?: string
  /** The id in the file where it is not a number. */
  sourceId?: string
}

export interface DatasetImage {
  /** Unique in the data set; pictures are held in ascending order of it. */
  id: number
  /** As the data set names it, with forward slashes. */
  fileName: string
  /** The id in the file where it is not a number. */
  sourceId?: string
  /** Where the file lies. */
  path: string
  /** Pixels of the upright picture. */
  width: number
  height: number
  /** Other fields of the format, kept for writing. */
  extra?: Record<string, unknown>
}

/** COCO's outline: polygons as lists of x, y, or a run-length code. Kept as it came. */
export type Segmentation = number[][] | { counts: string | number[]; size: [number, number] }

export interface Annotation {
  id: number
  imageId: number
  categoryId: number
  box: CornerBox
  /** Square pixels: of the segmentation where the format says so, else of the box. */
  area: number
  /** A region of many objects that are not marked one by one. */
  crowd: boolean
  /** VOC's mark for objects that need be neither found nor missed. */
  difficult: boolean
  segmentation?: Segmentation
  /** Other fields of the format, kept for writing. */
  extra?: Record<string, unknown>
}

export type DatasetFormat = 'coco' | 'voc' | 'yolo'

export interface Dataset {
  /** For people: the file or folder name, with the split where there is one. */
  name: string
  format: DatasetFormat
  /** Ascending by id. */
  categories: Category[]
  /** Ascending by id. */
  images: DatasetImage[]
  /** In the order of the files. */
  annotations: Annotation[]
  /** What is wrong with it; the annotations concerned are left out unless they were to be kept. */
  problems: Problem[]
  /** What a reader had to find out or leave out, one sentence each; nothing of it is wrong. */
  notes: string[]
}

export interface ReadOptions {
  /** Default `skip`. */
  problems?: ProblemPolicy
  /** Folder that picture names are relative to; by default found beside the annotations. */
  images?: string
  /** VOC and YOLO: name of the part to read, e.g. `val`. Default: `test`, else `val`, else all pictures. */
  split?: string
  /** Class names that are expected. An object of another class is then a problem. */
  classes?: readonly string[]
  signal?: AbortSignal
}

/** How many objects each category has. */
export function countByCategory({ annotations }: Dataset): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { categoryId } of annotations) {
    counts.set(categoryId, (counts.get(categoryId) ?? 0) + 1)
  }
  return counts
}

/** Pictures with the objects in them, in the order of the data set. */
export function annotationsByImage(dataset: Dataset): Map<number, Annotation[]> {
  const byImage = new Map<number, Annotation[]>(dataset.images.map((image) => [image.id, []]))
  for (const annotation of dataset.annotations) {
    byImage.get(annotation.imageId)?.push(annotation)
  }
  return byImage
}

/** The data set cut to some of its pictures. */
export function selectImages(dataset: Dataset, ids: ReadonlySet<number>, name: string): Dataset {
  return {
    ...dataset,
    name,
    images: dataset.images.filter((image) => ids.has(image.id)),
    annotations: dataset.annotations.filter((annotation) => ids.has(annotation.imageId)),
  }
}
