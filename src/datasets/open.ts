import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { readCoco } from './coco.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { isFile, isFolder } from './picture-files.ts'
import { readVoc } from './voc.ts'
import { readYolo } from './yolo.ts'

/**
 * Reads a data set of any of the formats: a COCO JSON file, a Pascal VOC folder, a `data.yaml`, or a folder
 * that holds exactly one of these.
 */
export async function openDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { format, at } = await locateDataset(path)
  if (format === 'coco') {
    return readCoco(at, options)
  }
  if (format === 'yolo') {
    return readYolo(at, options)
  }
  return readVoc(at, options)
}

/** Which format lies at the path, and the file or folder that its reader takes. */
export async function locateDataset(path: string): Promise<{ format: Dataset['format']; at: string }> {
  if (await isFile(path)) {
    if (/\.json$/i.test(path)) {
      return { format: 'coco', at: path }
    }
    if (/\.ya?ml$/i.test(path)) {
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
  const yaml = files.filter((name) => /\.ya?ml$/i.test(name))
  if (files.includes('data.yaml') || yaml.length === 1) {
    return { format: 'yolo', at: join(path, files.includes('data.yaml') ? 'data.yaml' : yaml[0]!) }
  }
  const isVoc = files.includes('Annotations') || files.some((name) => name.toLowerCase().endsWith('.xml'))
  if (isVoc) {
    return { format: 'voc', at: path }
  }
  const inner = (await isFolder(join(path, 'annotations'))) ? await readdir(join(path, 'annotations')) : []
  const json = [...files.map((name) => name), ...inner.map((name) => join('annotations', name))].filter(
    (name) => /\.json$/i.test(name),
  )
  if (json.length === 1) {
    return { format: 'coco', at: join(path, json[0]!) }
  }
  throw new BoxletError(
    'DATASET_INVALID',
    json.length > 1
      ? `Expected one data set in "${path}" but received ${json.length} JSON files.`
      : `Expected COCO JSON, VOC annotations or a data.yaml in "${path}" but found none.`,
    { hint: 'Name the annotation file itself.' },
  )
}
