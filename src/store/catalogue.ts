/**
 * The catalogue: one folder a model, `catalogue/NAME/model.json`. Folders listed in `BOXLET_CATALOGUE` come
 * first, so that an organisation can add its own models, or serve a known one from its own host.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BoxletError } from '../errors.ts'
import type { Environment } from '../system/environment.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'

/** Names become file names in the cache, hence the narrow alphabet. */
const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** The folder is found from this file, both in `src/` and in `dist/`. */
const bundledCatalogue = (): string => join(dirname(fileURLToPath(import.meta.url)), '../../catalogue')

function catalogueFolders(env: Environment): string[] {
  const own = (env.BOXLET_CATALOGUE ?? '').split(delimiter).filter((folder) => folder !== '')
  const missing = own.find((folder) => !existsSync(folder))
  if (missing !== undefined) {
    throw new BoxletError(
      'CONFIG_INVALID',
      `Expected folders for BOXLET_CATALOGUE but received "${missing}", which does not exist.`,
      { hint: 'Give the folder that holds one folder a model.' },
    )
  }
  return [...own, bundledCatalogue()]
}

/** All names, sorted; the same name in two folders counts once. */
export async function catalogueNames(env: Environment): Promise<string[]> {
  const names = new Set<string>()
  for (const folder of catalogueFolders(env)) {
    if (!existsSync(folder)) {
      continue
    }
    for (const item of await readdir(folder, { withFileTypes: true })) {
      if (NAME_PATTERN.test(item.name) && existsSync(join(folder, item.name, 'model.json'))) {
        names.add(item.name)
      }
    }
  }
  return [...names].sort()
}

/** The entry of that name, or undefined. Throws `CONFIG_INVALID` when the entry does not have the form. */
export async function readEntry(name: string, env: Environment): Promise<CatalogueEntry | undefined> {
  if (!NAME_PATTERN.test(name)) {
    return undefined
  }
  for (const folder of catalogueFolders(env)) {
    const file = join(folder, name, 'model.json')
    if (existsSync(file)) {
      return parseEntry(await readFile(file, 'utf8'), name)
    }
  }
  return undefined
}

export async function readCatalogue(env: Environment): Promise<CatalogueEntry[]> {
  const entries: CatalogueEntry[] = []
  for (const name of await catalogueNames(env)) {
    const entry = await readEntry(name, env)
    if (entry !== undefined) {
      entries.push(entry)
    }
  }
  return entries
}

async function parseEntry(text: string, name: string): Promise<CatalogueEntry> {
  const { parseCatalogueEntry } = await import('./catalogue-schema.ts')
  const fault = (why: string) =>
    new BoxletError('CONFIG_INVALID', `Expected a catalogue entry for "${name}" but received ${why}.`, {
      hint: 'The form is described in docs/models.md.',
    })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fault('text that is not JSON')
  }
  const entry = parseCatalogueEntry(value, fault)
  if (entry.name !== name) {
    throw fault(`one that calls itself "${entry.name}"`)
  }
  return entry
}
