import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { BoxletError } from '../errors.ts'
import { checkBytes, MAX_CLASSES, MAX_YAML_ALIASES, MAX_YAML_BYTES } from './limits.ts'
import { isFolder } from './picture-files.ts'

export interface YoloConfig {
  /** Index is the class id. */
  names: string[]
  /** Absolute folders or lists of pictures for each part. */
  splits: Record<string, string[]>
}

const SPLITS = ['train', 'val', 'test'] as const

/** Reads a `data.yaml`: `path`, `train`, `val`, `test` and `names` as a list or as numbers to names. */
export async function readDataYaml(path: string): Promise<YoloConfig> {
  await checkBytes(path, MAX_YAML_BYTES, 'a data.yaml')
  let yaml: unknown
  try {
    yaml = parse(await readFile(path, 'utf8'), { maxAliasCount: MAX_YAML_ALIASES, logLevel: 'error' })
  } catch (cause) {
    const message = (cause as Error).message.split('\n')[0]!.replace(/[.:]$/, '')
    throw new BoxletError('DATASET_INVALID', `Expected YAML in "${path}" but ${message}.`, { cause })
  }
  if (typeof yaml !== 'object' || yaml === null) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected "names" and "val" in "${path}" but received no fields.`,
    )
  }
  const fields = yaml as Record<string, unknown>
  const base = await baseFolder(path, fields.path)
  const splits: Record<string, string[]> = {}
  for (const split of SPLITS) {
    const value = fields[split]
    const sources = (Array.isArray(value) ? value : [value]).filter(
      (entry) => typeof entry === 'string' && entry !== '',
    )
    if (sources.length > 0) {
      splits[split] = await Promise.all(sources.map((source) => sourceFolder(base, path, source)))
    }
  }
  return { names: readNames(fields.names, path), splits }
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

/** Exports of labelling sites write `../train/images` for a folder beside the file; both readings are tried. */
async function sourceFolder(base: string, yaml: string, source: string): Promise<string> {
  const named = resolve(base, source)
  if (source.endsWith('.txt') || (await isFolder(named))) {
    return named
  }
  const beside = resolve(dirname(resolve(yaml)), source.replace(/^(\.\.\/)+/, ''))
  return (await isFolder(beside)) ? beside : named
}

function readNames(value: unknown, path: string): string[] {
  const entries = Array.isArray(value)
    ? value.map((name, i) => [String(i), name] as const)
    : Object.entries(typeof value === 'object' && value !== null ? value : {})
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
