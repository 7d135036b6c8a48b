import { defined } from '../system/defined.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { locateDataset, openDataset } from './open.ts'
import { VocTree } from './voc-tree.ts'
import type { Part } from './write.ts'
import { readYoloConfig, type YoloConfig } from './yolo-config.ts'

/**
 * Reads a data set with its parts: those asked for, else all that it has, else the whole as `all`. All parts
 * share one list of classes, so that ids mean the same everywhere.
 */
export async function openParts(path: string, options: ReadOptions = {}): Promise<Part[]> {
  const { format, at } = await locateDataset(path)
  if (options.split !== undefined) {
    return [{ name: options.split, dataset: await openDataset(path, options) }]
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
