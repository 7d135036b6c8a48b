import { parse as parseYaml } from 'yaml'
import { BoxletError } from '../../errors.ts'
import { COCO_80, COCO_90, COCO_91 } from './label-sets.ts'
import { openImages601 } from './open-images.ts'
import { type PythonValue, parsePythonLiteral } from './python-literal.ts'

/** Index is the class id; null for an id without a class. */
export type Labels = (string | null)[]

/** Open Images has 601 classes and LVIS 1,203; a hundred thousand is a mistake or an attack. */
export const MAX_LABELS = 100_000
/** A label is drawn and read; longer ones are another kind of file. */
const MAX_LABEL_CHARACTERS = 1_000
/** Names of 100,000 classes at 40 bytes each. */
const MAX_LABEL_BYTES = 4 * 2 ** 20

/** Labels in the metadata of a model, or undefined when there are none that can be read. */
export function metadataLabels(metadata: Record<string, string>): Labels | undefined {
  if (!readBefore.has(metadata)) {
    readBefore.set(metadata, readMetadata(metadata))
  }
  return readBefore.get(metadata)
}

/** Every family asks for the labels of the same file; reading a thousand names takes longer than all else. */
const readBefore = new WeakMap<Record<string, string>, Labels | undefined>()

/** Ultralytics writes `names`, RapidAI `character`, Hugging Face `id2label`; the others are met here and there. */
const METADATA_KEYS = [
  'names',
  'labels',
  'classes',
  'id2label',
  'character',
  'class_names',
  'classnames',
  'label_names',
  'class_labels',
  'categories',
]

function readMetadata(metadata: Record<string, string>): Labels | undefined {
  const keys = Object.keys(metadata)
  for (const wanted of METADATA_KEYS) {
    const key = keys.find((some) => some.toLowerCase() === wanted)
    const labels = key === undefined ? undefined : readNames(metadata[key] as string)
    if (labels !== undefined) {
      return labels
    }
  }
  return undefined
}

/** A literal of Python or JSON, or names apart by lines or commas; undefined for a number or anything else. */
function readNames(text: string): Labels | undefined {
  try {
    return toLabels(plain(parsePythonLiteral(text)))
  } catch {
    const separator = text.trim().includes('\n') ? '\n' : ','
    const names = text.trim().split(separator)
    const areNames = names.every((name) => /^[^[\]{}():"=]*\p{L}[^[\]{}():"=]*$/u.test(name))
    try {
      return areNames ? toLabels(names.map((name) => name.trim())) : undefined
    } catch {
      return undefined
    }
  }
}

/** Labels that a class count alone suggests, with the name of the set; a guess that has to be said. */
export function usualLabels(classes: number): { labels: Labels; set: string } | undefined {
  if (classes === 80) {
    return { labels: [...COCO_80], set: 'the 80 classes of COCO' }
  }
  if (classes === 91) {
    return { labels: [...COCO_91], set: 'the category ids of COCO, 0 being background' }
  }
  if (classes === 90) {
    return { labels: [...COCO_90], set: 'the category ids of COCO less one' }
  }
  if (classes === 601) {
    return { labels: openImages601(), set: 'the 601 boxable classes of Open Images' }
  }
  if (classes === 602) {
    return { labels: [null, ...openImages601()], set: 'Open Images with background first' }
  }
  return undefined
}

/**
 * Reads a label file by its content, the name being only a hint: `classes.txt` (a line each, with or without the class
 * id before the name), `data.yaml`
 * (`names`), `class_map.json` in both directions (`{"WBC": 2}` as IceVision writes it, `{"2": "WBC"}`), a
 * JSON list, COCO `categories`, a TensorFlow `.pbtxt` map, or the class descriptions of Open Images
 * (`/m/011k07,Tortoise`, the line being the class id, with or without a heading).
 *
 * @throws BoxletError LABELS_INVALID
 */
export function parseLabels(text: string, fileName = ''): Labels {
  if (text.length > MAX_LABEL_BYTES) {
    throw invalid(`${text.length} characters`)
  }
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') {
    throw invalid('an empty file')
  }
  if (/\.pbtxt$/i.test(fileName) || /^item\s*\{/.test(trimmed)) {
    return fromPbtxt(trimmed)
  }
  if (CLASS_DESCRIPTIONS.test(trimmed)) {
    return fromClassDescriptions(trimmed)
  }
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) {
    return toLabels(plain(parsePythonLiteral(trimmed)))
  }
  if (/\.ya?ml$/i.test(fileName) || /^names\s*:/m.test(trimmed)) {
    return fromYaml(trimmed)
  }
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim())
  return fromNumbered(lines) ?? toLabels(lines)
}

/** A number, then blanks, a colon, a comma or a tab, then the name: `0  person`, `1: cat`. */
const NUMBERED = /^(\d{1,6})(?:\s*[:,;\t]\s*|\s+)(\S.*)$/

/**
 * Lines that begin with their class id, gaps allowed, as label files of Coral have them. Names may begin with numbers
 * too ("2 euro"), so the numbers have to rise from 0 or 1, and no name may come twice without them.
 */
function fromNumbered(lines: readonly string[]): Labels | undefined {
  const filled = lines.filter((line) => line !== '')
  const matches = filled.map((line) => NUMBERED.exec(line))
  const ids = matches.map((match) => Number(match?.[1] ?? Number.NaN))
  const names = matches.map((match) => match?.[2] ?? '')
  const rises = ids.every((id, i) => (i === 0 ? id === 0 || id === 1 : id > ids[i - 1]!))
  const real = names.filter((name) => !NO_CLASS.has(name.toLowerCase()))
  if (filled.length < 2 || !rises || new Set(real).size < real.length) {
    return undefined
  }
  return fromMap(Object.fromEntries(ids.map((id, i) => [String(id), names[i]!])))
}

/** Dicts as objects, at every depth. */
function plain(value: PythonValue): unknown {
  if (Array.isArray(value)) {
    return value.map(plain)
  }
  if (!(value instanceof Map)) {
    return value
  }
  return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]))
}

function fromYaml(text: string): Labels {
  let parsed: unknown
  try {
    parsed = parseYaml(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw invalid('YAML that cannot be read', cause)
  }
  return toLabels(parsed)
}

function fromPbtxt(text: string): Labels {
  const items = [...text.matchAll(/item\s*\{([^}]*)\}/g)].map((match) => match[1]!)
  const byId: Record<string, string> = Object.create(null)
  for (const item of items) {
    const id = /\bid\s*:\s*(\d{1,6})/.exec(item)?.[1]
    const name =
      /\bdisplay_name\s*:\s*["']([^"']*)["']/.exec(item) ?? /\bname\s*:\s*["']([^"']*)["']/.exec(item)
    if (id === undefined || name === null) {
      continue
    }
    if (id in byId) {
      throw invalid(`two names for class id ${id}`)
    }
    byId[id] = name[1]!
  }
  return toLabels(byId)
}

/** Open Images V4 and V5 start with the first class, V6 with `id,name`, V7 with `LabelName,DisplayName`. */
const CLASS_DESCRIPTIONS = /^(?:(?:LabelName,DisplayName|id,name)[ \t]*\r?\n)?(?=\/[a-z]\/\w+,)/i
/** The machine id and the name, in quotes where it holds a comma. */
const CLASS_DESCRIPTION = /^\/[a-z]\/\w+,(?:"((?:[^"]|"")*)"|([^",]*))$/

function fromClassDescriptions(text: string): Labels {
  const lines = text.replace(CLASS_DESCRIPTIONS, '').split(/\r?\n/)
  return toLabels(
    lines.map((line) => {
      const match = CLASS_DESCRIPTION.exec(line.trim())
      // A line passed over would name every later class by its neighbour.
      if (match === null) {
        throw invalid('class descriptions with a line that is not "/m/id,name"')
      }
      return match[1]?.replaceAll('""', '"') ?? match[2]
    }),
  )
}

/** A column of scores that is no class: background at the beginning, or "no object" at the end. */
export type SpareColumn = 'first' | 'last'

/**
 * Labels for a head with so many classes, 0 when its outputs carry ids of any size. A list with a background
 * first, or with gaps as the 91 ids of COCO have them, loses both when just as many names as classes remain. Where
 * the head has a column that is no class, at its beginning or its end, a name less than columns is enough.
 *
 * @param spare where that column lies
 * cost    labels off by one, as when a list counts the background and the head does not, name every object wrongly
 * @throws BoxletError LABELS_INVALID
 */
export function fitLabels(labels: Labels, classes: number, spare?: SpareColumn): Labels {
  if (classes === 0 || labels.length === classes) {
    return labels
  }
  // A head of COCO's ids that was trained on keeps its columns, whatever it now finds.
  const isRoomy = classes === COCO_91.length && labels.length < classes
  if (spare === 'last' && (labels.length === classes - 1 || isRoomy)) {
    return [...labels, ...new Array<null>(classes - labels.length).fill(null)]
  }
  const named = labels.filter((label) => label !== null)
  if (spare !== undefined && named.length === classes - 1) {
    return spare === 'first' ? [null, ...named] : [...named, null]
  }
  if (labels.length === classes + 1 && labels[0] === null) {
    return labels.slice(1)
  }
  if (named.length === classes) {
    return named
  }
  throw new BoxletError(
    'LABELS_INVALID',
    `Expected ${classes} labels for the ${classes} classes of the model but received ${labels.length}.`,
    { hint: 'Give one label for each class, in the order of training.' },
  )
}

/** @throws BoxletError LABELS_INVALID when the value is none of the known forms */
function toLabels(value: unknown): Labels {
  if (Array.isArray(value)) {
    return fromList(value)
  }
  if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>
    if (Array.isArray(record.categories)) {
      return fromList(record.categories)
    }
    for (const key of ['names', 'id2label', 'label2id', 'labels', 'classes']) {
      if (typeof record[key] === 'object' && record[key] !== null) {
        return toLabels(record[key])
      }
    }
    return fromMap(record)
  }
  throw invalid(value === null ? 'nothing' : `a ${typeof value}`)
}

function fromList(items: readonly unknown[]): Labels {
  const first = items[0]
  if (typeof first === 'object' && first !== null && 'id' in first && 'name' in first) {
    const categories = items as { id: unknown; name: unknown }[]
    const byId = new Map(categories.map(({ id, name }) => [String(id), name]))
    if (byId.size < categories.length) {
      throw invalid('categories that share an id')
    }
    return fromMap(Object.fromEntries(byId))
  }
  return check(items.map(toLabel))
}

/** id → class or class → id; the side that holds whole numbers is the id. */
function fromMap(map: Record<string, unknown>): Labels {
  const entries = Object.entries(map)
  const isId = (value: unknown) => /^\d{1,6}$/.test(String(value))
  const keysAreIds = entries.every(([key]) => isId(key))
  if (!keysAreIds && !entries.every(([, value]) => isId(value))) {
    throw invalid('a map in which neither side holds class ids')
  }
  const pairs = entries.map(
    ([key, value]) => (keysAreIds ? [Number(key), value] : [Number(value), key]) as [number, unknown],
  )
  const length = Math.max(0, ...pairs.map(([id]) => id + 1))
  if (length > MAX_LABELS) {
    throw invalid(`class id ${length - 1}`)
  }
  const labels: Labels = new Array(length).fill(null)
  const seen = new Set<number>()
  for (const [id, label] of pairs) {
    // The last of two would take the name of the other's objects.
    if (seen.has(id)) {
      throw invalid(`two names for class id ${id}`)
    }
    seen.add(id)
    labels[id] = toLabel(label)
  }
  return check(labels)
}

/** IceVision and others keep a row for what is not an object; it must never be a detection's name. */
const NO_CLASS = new Set(['', '???', 'background', '__background__', 'n/a'])

/** Labels are printed to terminals; these would move the cursor, and are the mark of a file that is not text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/

function toLabel(value: unknown): string | null {
  if (value === null) {
    return null
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw invalid(`a label of type ${typeof value}`)
  }
  const label = String(value).trim()
  if (label.length > MAX_LABEL_CHARACTERS) {
    throw invalid(`a label of ${label.length} characters`)
  }
  if (CONTROL_CHARACTER.test(label)) {
    throw invalid('a label with control characters')
  }
  return NO_CLASS.has(label.toLowerCase()) ? null : label
}

function check(labels: Labels): Labels {
  if (labels.length > MAX_LABELS) {
    throw invalid(`${labels.length} labels`)
  }
  if (labels.every((label) => label === null)) {
    throw invalid('no labels')
  }
  return labels
}

const invalid = (received: string, cause?: unknown): BoxletError =>
  new BoxletError(
    'LABELS_INVALID',
    `Expected a list or map of class names for the labels but received ${received}.`,
    {
      cause,
      hint: 'Give one name a line, a JSON list or map, or a YAML file with "names".',
    },
  )
