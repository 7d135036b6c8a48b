import { join } from 'node:path'
import { isFolder } from './picture-files.ts'
import { readdir } from './readable.ts'

/** Other words for the parts. */
const PART_WORDS = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
  ['test', 'test'],
  ['testing', 'test'],
])

const isJson = (name: string): boolean => /\.json$/i.test(name)

/**
 * The annotation files of a COCO set that has one for each part: `instances_train2017.json` beside others, there or in
 * `annotations`, or a folder a part with one JSON file in it, as Roboflow exports.
 *
 * @returns part names to files; undefined where the folder is divided in neither way
 */
export async function cocoParts(folder: string): Promise<Map<string, string> | undefined> {
  const files = await readdir(folder).catch(() => [])
  const annotations = files.find((name) => name.toLowerCase() === 'annotations')
  const inner = annotations === undefined ? [] : await readdir(join(folder, annotations)).catch(() => [])
  for (const [place, names] of [
    [folder, files],
    [join(folder, annotations ?? ''), inner],
  ] as const) {
    const parts = partsOf(names.filter(isJson))
    // A single file is the whole set, whatever it is called.
    if (parts !== undefined && parts.size > 1) {
      return new Map([...parts].map(([part, name]) => [part, join(place, name)]))
    }
  }
  return files.some(isJson) ? undefined : await partFolders(folder, files)
}

async function partFolders(
  folder: string,
  files: readonly string[],
): Promise<Map<string, string> | undefined> {
  const found = new Map<string, string>()
  for (const name of files) {
    const part = PART_WORDS.get(name.toLowerCase())
    const path = join(folder, name)
    if (part !== undefined && (await isFolder(path))) {
      const inside = (await readdir(path)).filter(isJson)
      if (inside.length === 1 && !found.has(part)) {
        found.set(part, join(path, inside[0]!))
      }
    }
  }
  return found.size === 0 ? undefined : inOrder(found)
}

/** COCO lays captions and key points of the same pictures beside the instances; those are not other parts. */
function partsOf(names: readonly string[]): Map<string, string> | undefined {
  const instances = names.filter((name) => /^instances/i.test(name))
  const parts = new Map<string, string>()
  for (const name of instances.length > 0 ? instances : names) {
    const words = name.toLowerCase().split(/[^a-z]+/)
    const [part, ...more] = new Set(words.flatMap((word) => PART_WORDS.get(word) ?? []))
    if (part === undefined) {
      continue
    }
    if (more.length > 0 || parts.has(part)) {
      return undefined
    }
    parts.set(part, name)
  }
  return inOrder(parts)
}

const inOrder = (parts: ReadonlyMap<string, string>): Map<string, string> =>
  new Map(
    ['train', 'val', 'test'].flatMap((part) => {
      const file = parts.get(part)
      return file === undefined ? [] : [[part, file] as const]
    }),
  )
