import type { Category, Dataset } from './dataset.ts'

/**
 * The same sets with one list of classes, so that ids mean the same in all: those of the first in its order, then what
 * others have beside them. Classes are told apart by name.
 */
export function shareCategories(sets: readonly Dataset[]): Dataset[] {
  const [first, ...others] = sets
  if (first === undefined || others.every((set) => isSame(set.categories, first.categories))) {
    return [...sets]
  }
  const shared = new Map<string, Category>()
  for (const category of sets.flatMap((set) => set.categories)) {
    if (!shared.has(category.name)) {
      const { sourceId: _, ...rest } = category
      shared.set(category.name, { ...rest, id: shared.size + 1 })
    }
  }
  const categories = [...shared.values()]
  return sets.map((set) => {
    const idOf = new Map(set.categories.map(({ id, name }) => [id, shared.get(name)!.id]))
    return {
      ...set,
      categories,
      annotations: set.annotations.map((annotation) => ({
        ...annotation,
        categoryId: idOf.get(annotation.categoryId)!,
      })),
    }
  })
}

const isSame = (a: readonly Category[], b: readonly Category[]): boolean =>
  a.length === b.length && a.every(({ id, name }, at) => b[at]!.id === id && b[at]!.name === name)

/** Several sets as one: classes of one name are one class, pictures and objects are numbered anew. */
export function joinDatasets(sets: readonly [Dataset, ...Dataset[]], name: string): Dataset {
  const shared = shareCategories(sets)
  const images: Dataset['images'] = []
  const annotations: Dataset['annotations'] = []
  for (const set of shared) {
    const idOf = new Map<number, number>()
    for (const image of set.images) {
      const id = images.length + 1
      idOf.set(image.id, id)
      images.push({ ...image, id })
    }
    for (const annotation of set.annotations) {
      const id = annotations.length + 1
      annotations.push({ ...annotation, id, imageId: idOf.get(annotation.imageId)! })
    }
  }
  return {
    name,
    format: sets[0].format,
    categories: shared[0]!.categories,
    images,
    annotations,
    problems: sets.flatMap(({ problems }) => problems),
    notes: sets.flatMap(({ notes }) => notes),
  }
}
