import { basename, join, resolve } from 'node:path'
import { BoxletError } from '../errors.ts'
import { readCoco } from './coco.ts'
import { cocoParts } from './coco-parts.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { joinDatasets } from './join.ts'
import { isFile, isFolder, listFiles } from './picture-files.ts'
import { readdir } from './readable.ts'
import { readVoc } from './voc.ts'
import { readYolo } from './yolo.ts'
import { describesYolo, yoloFileOf } from './yolo-config.ts'

/**
 * Reads a data set of any of the formats: a COCO JSON file, a Pascal VOC folder, a `data.yaml`, or a folder
 * that holds exactly one of these.
 */
export async function openDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { format, at, parts } = await locateDataset(path)
  if (parts !== undefined) {
    return readCocoPart(path, parts, options)
  }
  if (format === 'coco') {
    return readCoco(at, options)
  }
  if (format === 'yolo') {
    return readYolo(at, options)
  }
  return readVoc(at, options)
}

/** The part that is asked for, or as for other formats `test`, else `val`, else all. */
async function readCocoPart(
  path: string,
  parts: ReadonlyMap<string, string>,
  options: ReadOptions,
): Promise<Dataset> {
  const split = options.split ?? ['test', 'val'].find((part) => parts.has(part)) ?? 'all'
  const files = split === 'all' ? [...parts.values()] : [parts.get(split)]
  const sets: Dataset[] = []
  for (const file of files) {
    if (file === undefined) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected a part "${split}" in "${path}" but it has ${[...parts.keys()].join(', ')}.`,
      )
    }
    sets.push(await readCoco(file, options))
  }
  const [first, ...others] = sets as [Dataset, ...Dataset[]]
  return others.length === 0 ? first : joinDatasets([first, ...others], basename(resolve(path)))
}

/** Where a set lies. */
export interface DatasetPlace {
  format: Dataset['format']
  /** The file or folder that the reader of the format takes. */
  at: string
  /** COCO with a file for each part: those files by the names of the parts. */
  parts?: ReadonlyMap<string, string>
}

/** Which format lies at the path, and where. */
export async function locateDataset(path: string): Promise<DatasetPlace> {
  if (await isFile(path)) {
    if (/\.json$/i.test(path)) {
      return { format: 'coco', at: path }
    }
    if (describesYolo(path)) {
      return { format: 'yolo', at: path }
    }
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected a .json or .yaml file or a folder for the data set but received "${path}".`,
    )
  }
  if (!(await isFolder(path))) {
    throw new BoxletError('DATASET_INVALID', `Expected a data set at "${path}" but there is nothing.`)
  }
  const files = await readdir(path)
  const yolo = yoloFileOf(files)
  if (yolo !== undefined && /\.(ya?ml|data)$/i.test(yolo)) {
    return { format: 'yolo', at: join(path, yolo) }
  }
  if (await holdsXml(path, files)) {
    return { format: 'voc', at: path }
  }
  if (yolo !== undefined) {
    return { format: 'yolo', at: join(path, yolo) }
  }
  const annotations = files.find((name) => name.toLowerCase() === 'annotations')
  const inner = annotations === undefined ? [] : await readdir(join(path, annotations)).catch(() => [])
  const json = [...files, ...inner.map((name) => join(annotations!, name))].filter((name) =>
    /\.json$/i.test(name),
  )
  if (json.length === 1) {
    return { format: 'coco', at: join(path, json[0]!) }
  }
  const parts = await cocoParts(path)
  if (parts !== undefined) {
    return { format: 'coco', at: path, parts }
  }
  if (json.length === 0 && files.includes('labels') && files.includes('images')) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected class names for the YOLO labels in "${path}" but there is no data.yaml and no classes.txt.`,
      {
        hint: 'Write classes.txt beside "images" and "labels", one name a line in the order of the numbers.',
      },
    )
  }
  throw new BoxletError(
    'DATASET_INVALID',
    json.length > 1
      ? `Expected one data set in "${path}" but received ${json.length} JSON files.`
      : `Expected COCO JSON, VOC annotations or a data.yaml in "${path}" but found none.`,
    {
      hint:
        json.length > 1
          ? 'Name the annotation file itself.'
          : 'Name the annotation file itself; pictures without labels are labelled with a tool, or with boxlet dataset label.',
    },
  )
}

/** XML files in the folder itself, or in one whose name says that it holds annotations or a part of the set. */
async function holdsXml(path: string, files: readonly string[]): Promise<boolean> {
  const isXml = (name: string) => name.toLowerCase().endsWith('.xml')
  if (files.some(isXml)) {
    return true
  }
  const likely = files.filter((name) => /^(annotations?|xmls?|labels|train|val|valid|test)$/i.test(name))
  for (const name of likely) {
    const folder = join(path, name)
    if ((await isFolder(folder)) && (await listFiles(folder, isXml)).length > 0) {
      return true
    }
  }
  return false
}
