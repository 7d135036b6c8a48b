import { defined } from '../system/defined.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { shareCategories } from './join.ts'
import { locateDataset, openDataset } from './open.ts'
import { VocTree } from './voc-tree.ts'
import type { Part } from './write.ts'
import { readYoloConfig, type YoloConfig } from './yolo-config.ts'

/**
 * Reads a data set with its parts: those asked for, else all that it has, else the whole as `all`. All parts
 * share one list of classes, so that ids mean the same everywhere.
 */
export async function openParts(path: string, options: ReadOptions = {}): Promise<Part[]> {
  const { format, at, parts: files } = await locateDataset(path)
  if (options.split !== undefined) {
    return [{ name: options.split, dataset: await openDataset(path, options) }]
  }
  if (files !== undefined) {
    return cocoPartsOf(path, [...files.keys()], options)
  }
  const names = await splitNames(format, at)
  if (names.length === 0) {
    return [
      {
        name: 'all',
        dataset: await openDataset(path, format === 'coco' ? options : { ...options, split: 'all' }),
      },
    ]
  }
  const classes = options.classes ?? (await commonClasses(path, format, options))
  const parts: Part[] = []
  for (const name of names) {
    const dataset = await openDataset(path, {
      ...options,
      split: name,
      ...defined({ classes }),
    })
    parts.push({ name, dataset })
  }
  return parts
}

/** COCO files number classes as they like, and may lack some. */
async function cocoPartsOf(path: string, names: readonly string[], options: ReadOptions): Promise<Part[]> {
  const sets: Dataset[] = []
  for (const name of names) {
    sets.push(await openDataset(path, { ...options, split: name }))
  }
  return shareCategories(sets).map((dataset, at) => ({ name: names[at]!, dataset }))
}

/** VOC names no classes, so a part may lack some; those of the whole set are taken for all. */
async function commonClasses(
  path: string,
  format: Dataset['format'],
  options: ReadOptions,
): Promise<string[] | undefined> {
  if (format !== 'voc') {
    return undefined
  }
  const whole = await openDataset(path, { ...options, problems: 'keep', split: 'all' })
  return whole.categories.map((category) => category.name)
}

/** Parts that divide the set. VOC's `trainval` repeats two of them, and lists of one class are not parts. */
async function splitNames(format: Dataset['format'], at: string): Promise<string[]> {
  if (format === 'coco') {
    return []
  }
  const all =
    format === 'yolo' ? yoloSplits((await readYoloConfig(at)).splits) : await (await VocTree.open(at)).parts()
  return all.filter((name) => ['train', 'val', 'test'].includes(name))
}

/** Trainers want both `train` and `val`, so an undivided set names one folder twice: it is then no division. */
function yoloSplits(splits: YoloConfig['splits']): string[] {
  const firstOf = new Map<string, string>()
  for (const [name, sources] of Object.entries(splits)) {
    const folders = [...sources].sort().join('\n')
    if (!firstOf.has(folders)) {
      firstOf.set(folders, name)
    }
  }
  const repeats = firstOf.size < Object.keys(splits).length
  return repeats && firstOf.size === 1 ? [] : [...firstOf.values()]
}
