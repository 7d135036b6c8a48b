import { BoxletError } from '../../errors.ts'
import type { PythonValue } from './python-literal.ts'

/** Index is the class id; null for an id without a class. */
export type Labels = (string | null)[]

/** Open Images has 601 classes and LVIS 1,203; a hundred thousand is a mistake or an attack. */
export const MAX_LABELS = 100_000
/** A label is drawn and read; longer ones are another kind of file. */
const MAX_LABEL_CHARACTERS = 1_000
/** Dicts as objects, at every depth. */
export function plain(value: PythonValue): unknown {
  if (Array.isArray(value)) {
    return value.map(plain)
  }
  if (!(value instanceof Map)) {
    return value
  }
  return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]))
}

/** @throws BoxletError LABELS_INVALID when the value is none of the known forms */
export function toLabels(value: unknown): Labels {
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
  throw invalidLabels(value === null ? 'nothing' : `a ${typeof value}`)
}

function fromList(items: readonly unknown[]): Labels {
  const first = items[0]
  if (typeof first === 'object' && first !== null && 'id' in first && 'name' in first) {
    const categories = items as { id: unknown; name: unknown }[]
    const byId = new Map(categories.map(({ id, name }) => [String(id), name]))
    if (byId.size < categories.length) {
      throw invalidLabels('categories that share an id')
    }
    return fromMap(Object.fromEntries(byId))
  }
  return check(items.map(toLabel))
}

/** id → class or class → id; the side that holds whole numbers is the id. */
export function fromMap(map: Record<string, unknown>): Labels {
  const entries = Object.entries(map)
  const isId = (value: unknown) => /^\d{1,6}$/.test(String(value))
  const keysAreIds = entries.every(([key]) => isId(key))
  if (!keysAreIds && !entries.every(([, value]) => isId(value))) {
    throw invalidLabels('a map in which neither side holds class ids')
  }
  const pairs = entries.map(
    ([key, value]) => (keysAreIds ? [Number(key), value] : [Number(value), key]) as [number, unknown],
  )
  const length = Math.max(0, ...pairs.map(([id]) => id + 1))
  if (length > MAX_LABELS) {
    throw invalidLabels(`class id ${length - 1}`)
  }
  const labels: Labels = new Array(length).fill(null)
  const seen = new Set<number>()
  for (const [id, label] of pairs) {
    // The last of two would take the name of the other's objects.
    if (seen.has(id)) {
      throw invalidLabels(`two names for class id ${id}`)
    }
    seen.add(id)
    labels[id] = toLabel(label)
  }
  return check(labels)
}

/** IceVision and others keep a row for what is not an object; it must never be a detection's name. */
export const NO_CLASS = new Set(['', '???', 'background', '__background__', 'n/a'])

/** Labels are printed to terminals; these would move the cursor, and are the mark of a file that is not text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/

function toLabel(value: unknown): string | null {
  if (value === null) {
    return null
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw invalidLabels(`a label of type ${typeof value}`)
  }
  const label = String(value).trim()
  if (label.length > MAX_LABEL_CHARACTERS) {
    throw invalidLabels(`a label of ${label.length} characters`)
  }
  if (CONTROL_CHARACTER.test(label)) {
    throw invalidLabels('a label with control characters')
  }
  return NO_CLASS.has(label.toLowerCase()) ? null : label
}

function check(labels: Labels): Labels {
  if (labels.length > MAX_LABELS) {
    throw invalidLabels(`${labels.length} labels`)
  }
  if (labels.every((label) => label === null)) {
    throw invalidLabels('no labels')
  }
  return labels
}

/** The fault of labels in none of the known forms. */
export const invalidLabels = (received: string, cause?: unknown): BoxletError =>
  new BoxletError(
    'LABELS_INVALID',
    `Expected a list or map of class names for the labels but received ${received}.`,
    {
      cause,
      hint: 'Give one name a line, a JSON list or map, or a YAML file with "names".',
    },
  )
