import { basename, dirname, extname, resolve } from 'node:path'
import { parse } from 'yaml'
import { BoxletError } from '../errors.ts'
import { isRecord } from '../system/record.ts'
import { FileFinder, pathEnds } from './find-file.ts'
import { checkBytes, MAX_CLASSES, MAX_YAML_ALIASES, MAX_YAML_BYTES } from './limits.ts'
import { isFile, isFolder } from './picture-files.ts'
import { readFile } from './readable.ts'
import type { KeypointShape } from './yolo-text.ts'

export interface YoloConfig {
  /** Index is the class id. */
  names: string[]
  /** Absolute folders or lists of pictures for each part; those that exist. */
  splits: Record<string, string[]>
  /** Parts that are named but not there, with where they were looked for. */
  missing: Record<string, string[]>
  keypoints?: KeypointShape
}

const SPLITS = ['train', 'val', 'test'] as const

/**
 * Reads what describes a YOLO set: a `data.yaml` as Ultralytics has it, an `obj.data` as darknet and CVAT have it, or a
 * `classes.txt` beside `images` and `labels` or beside the pictures, as LabelImg and Label Studio leave it.
 */
export function readYoloConfig(path: string): Promise<YoloConfig> {
  const ending = extname(path).toLowerCase()
  if (ending === '.data') {
    return readDarknet(path)
  }
  return ending === '.txt' || ending === '.names' ? readClassList(path) : readDataYaml(path)
}

/** `path`, `train`, `val`, `test`, `names` as a list or as numbers to names, and `kpt_shape`. */
async function readDataYaml(path: string): Promise<YoloConfig> {
  await checkBytes(path, MAX_YAML_BYTES, 'a data.yaml')
  let yaml: unknown
  try {
    yaml = parse(await readFile(path, 'utf8'), { maxAliasCount: MAX_YAML_ALIASES, logLevel: 'error' })
  } catch (cause) {
    const message = (cause as Error).message.split('\n')[0]!.replace(/[.:]$/, '')
    throw new BoxletError('DATASET_INVALID', `Expected YAML in "${path}" but ${message}.`, { cause })
  }
  if (!isRecord(yaml)) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected "names" and "val" in "${path}" but received no fields.`,
    )
  }
  const base = await baseFolder(path, yaml.path)
  const named: [string, string[]][] = SPLITS.map((split) => {
    const value = yaml[split] ?? (split === 'val' ? yaml.valid : undefined)
    const sources = Array.isArray(value) ? value : [value]
    return [split, sources.filter((source) => typeof source === 'string' && source !== '')]
  })
  const keypoints = readKeypoints(yaml.kpt_shape, path)
  return {
    names: readNames(yaml.names, path),
    ...(await locate(named, base, dirname(resolve(path)))),
    ...(keypoints === undefined ? {} : { keypoints }),
  }
}

/** `key = value` lines: `names` is a file of names, `train` and `valid` are lists of pictures. */
async function readDarknet(path: string): Promise<YoloConfig> {
  const lines = (await readText(path))
    .split(/\r?\n/)
    .map((line) => line.split('=').map((part) => part.trim()))
  const fields = new Map(lines.flatMap(([key, value]) => (key && value ? [[key, value] as const] : [])))
  const folder = dirname(resolve(path))
  const names = fields.get('names')
  const list = names === undefined ? undefined : await existing(names, [folder])
  if (list === undefined) {
    throw new BoxletError('DATASET_INVALID', `Expected the file of class names that "${path}" names.`)
  }
  const named: [string, string[]][] = [
    ['train', fields.get('train')],
    ['val', fields.get('valid') ?? fields.get('val')],
    ['test', fields.get('test')],
  ].map(([split, source]) => [split as string, source === undefined ? [] : [source]])
  return { names: await readNameList(list), ...(await locate(named, folder, folder)) }
}

/** The pictures are those of `images`, in folders named after parts where there are such, else those beside the list. */
async function readClassList(path: string): Promise<YoloConfig> {
  const folder = dirname(resolve(path))
  const images = (await existing('images', [folder])) ?? folder
  const parts = await Promise.all(
    [
      ['train', ['train']],
      ['val', ['val', 'valid']],
      ['test', ['test']],
    ].map(async ([part, names]) => {
      const found = await Promise.all((names as string[]).map((name) => existing(name, [images])))
      return [part as string, found.filter((place) => place !== undefined)] as const
    }),
  )
  const splits = Object.fromEntries(parts.filter(([, places]) => places.length > 0))
  // Trainers name an undivided set twice; so does this, and readers take it once.
  const whole = { train: [images], val: [images] }
  return {
    names: await readNameList(path),
    splits: Object.keys(splits).length > 0 ? splits : whole,
    missing: {},
  }
}

async function readText(path: string): Promise<string> {
  await checkBytes(path, MAX_YAML_BYTES, 'a description of the set')
  return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
}

async function readNameList(path: string): Promise<string[]> {
  const names = (await readText(path)).split(/\r?\n/).map((line) => line.trim())
  while (names.at(-1) === '') {
    names.pop()
  }
  if (names.length === 0 || names.length > MAX_CLASSES) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected 1 to ${MAX_CLASSES} class names in "${basename(path)}" but received ${names.length}.`,
    )
  }
  return names
}

/** Parts with those of their folders and lists that are there. */
async function locate(
  named: readonly [string, string[]][],
  base: string,
  beside: string,
): Promise<Pick<YoloConfig, 'splits' | 'missing'>> {
  const splits: Record<string, string[]> = {}
  const missing: Record<string, string[]> = {}
  for (const [split, sources] of named) {
    const places = await Promise.all(sources.map((source) => existing(source, [base, beside])))
    const found = places.filter((place) => place !== undefined)
    if (found.length > 0) {
      splits[split] = [...new Set(found)]
    } else if (sources.length > 0) {
      missing[split] = sources
    }
  }
  return { splits, missing }
}

/**
 * The folder or list that a source means. Exports of labelling sites write `../train/images` for a folder beside the
 * file, notebooks the path on their own machine; the way down is what matters then.
 */
async function existing(source: string, bases: readonly string[]): Promise<string | undefined> {
  for (const base of new Set(bases)) {
    const named = resolve(base, source)
    if ((await isFolder(named)) || (await isFile(named))) {
      return named
    }
  }
  const finder = new FileFinder()
  // Every part has a folder of this name, so that alone it says nothing.
  for (const end of pathEnds(source).filter((way) => way !== 'images')) {
    for (const base of new Set(bases)) {
      const found = await finder.find(base, end)
      if (found !== undefined) {
        return found
      }
    }
  }
  return undefined
}

/** `path` is meant relative to the file; Ultralytics also tries its own folder of data sets. */
async function baseFolder(yaml: string, value: unknown): Promise<string> {
  const here = dirname(resolve(yaml))
  if (typeof value !== 'string' || value === '') {
    return here
  }
  const named = resolve(here, value)
  return (await isFolder(named)) ? named : here
}

/** Far more than the 133 points of a whole body. */
const MAX_KEYPOINTS = 1_000

function readKeypoints(value: unknown, path: string): KeypointShape | undefined {
  if (value === undefined || value === null) {
    return undefined
  }
  const [count, dimensions] = Array.isArray(value) ? value : []
  if (
    !Number.isInteger(count) ||
    count < 1 ||
    count > MAX_KEYPOINTS ||
    (dimensions !== 2 && dimensions !== 3)
  ) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected "kpt_shape" as [points, 2 or 3] in "${path}" but received something else.`,
    )
  }
  return { count, dimensions }
}

function readNames(value: unknown, path: string): string[] {
  const entries = Array.isArray(value)
    ? value.map((name, i) => [String(i), name] as const)
    : Object.entries(isRecord(value) ? value : {})
  const names: string[] = []
  for (const [key, name] of entries) {
    const id = Number(key)
    const valid = Number.isInteger(id) && id >= 0 && id < MAX_CLASSES
    if (!valid || (typeof name !== 'string' && typeof name !== 'number')) {
      throw new BoxletError(
        'DATASET_INVALID',
        `Expected class names by number in "${path}" but received "${key}".`,
      )
    }
    names[id] = String(name)
  }
  if (names.length === 0) {
    throw new BoxletError('DATASET_INVALID', `Expected "names" in "${path}" but there are none.`)
  }
  return Array.from(names, (name, i) => name ?? `class ${i}`)
}

/** The file that describes the YOLO set of a folder, in the order of what it tells; undefined where there is none. */
export function yoloFileOf(names: readonly string[]): string | undefined {
  const yaml = names.filter((name) => /\.ya?ml$/i.test(name))
  const known = ['data.yaml', 'data.yml', 'dataset.yaml'].find((name) => yaml.includes(name))
  const isList = (name: string) =>
    ['classes.txt', 'obj.names', '_darknet.labels'].includes(name.toLowerCase())
  return (
    known ??
    (yaml.length === 1 ? yaml[0] : undefined) ??
    names.find((name) => name.toLowerCase() === 'obj.data') ??
    names.find(isList)
  )
}

export const describesYolo = (path: string): boolean =>
  /\.(ya?ml|data|names)$/i.test(path) || basename(path).toLowerCase() === 'classes.txt'
