import { basename, dirname, isAbsolute, relative, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { FileFinder } from './find-file.ts'
import { mapInOrder } from './in-order.ts'
import { MAX_PICTURES } from './limits.ts'
import { duplicateClasses, ProblemList } from './problem.ts'
import { readYoloConfig, type YoloConfig } from './yolo-config.ts'
import { CONCURRENCY, listPart, readPicture } from './yolo-files.ts'
import { LabelReader } from './yolo-labels.ts'

/**
 * Reads a YOLO set by what describes it (see `readYoloConfig`): pictures, and for each a text file under `labels`, or
 * beside the picture, with a line per object. Polygons give their upright hull and are kept as the segmentation; key
 * points are kept as COCO's `keypoints`.
 */
export async function readYolo(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const config = await readYoloConfig(path)
  const part = choosePart(config, options.split, path)
  const files = await listPart(config, part)
  if (files.length > MAX_PICTURES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${MAX_PICTURES} pictures but received ${files.length}.`,
    )
  }
  const finder = new FileFinder()
  const pictures = await mapInOrder(files, CONCURRENCY, (file) => readPicture(file, finder), options.signal)
  const list = new ProblemList(options.problems)
  const dataset: Dataset = {
    name: `${basename(dirname(resolve(path)))} ${part}`,
    format: 'yolo',
    categories: config.names.map((name, id) => ({ id, name })),
    images: [],
    annotations: [],
    problems: list.problems,
    notes: Object.entries(config.missing).map(
      ([name, sources]) =>
        `"${basename(path)}" names the part ${name} at "${sources[0]}", but nothing is there.`,
    ),
  }
  for (const message of duplicateClasses(dataset.categories)) {
    list.add({ kind: 'class-duplicate', file: path, message })
  }
  const reader = new LabelReader(dataset, list, config.keypoints, options.classes)
  const root = commonFolder(files)
  for (const picture of pictures) {
    reader.add(picture, root)
  }
  reader.finish(path, part, pictures)
  return dataset
}

function choosePart(config: YoloConfig, asked: string | undefined, path: string): string {
  const parts = Object.keys(config.splits)
  const chosen = asked === undefined ? ['test', 'val', 'train'].find((name) => parts.includes(name)) : asked
  const missing = (
    asked === undefined || asked === 'all' ? Object.values(config.missing) : [config.missing[asked]]
  )
    .flat()
    .find((source) => source !== undefined)
  const usable = asked === 'all' ? parts.length > 0 : chosen !== undefined && parts.includes(chosen)
  if (usable) {
    return chosen!
  }
  if (missing !== undefined) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a folder or a .txt list at "${missing}" but there is none.`,
      { hint: `"${path}" names it.` },
    )
  }
  throw new BoxletError(
    'DATASET_INVALID',
    `Expected the part "${asked ?? 'val'}" in "${path}" but received ${parts.length === 0 ? 'none' : parts.join(', ')}.`,
  )
}

function commonFolder(files: string[]): string {
  let common = dirname(files[0] ?? '')
  for (const file of files) {
    while (isAbsolute(relative(common, file)) || relative(common, file).startsWith('..')) {
      common = dirname(common)
    }
  }
  return common
}
