import { parse as parseYaml } from 'yaml'
import { fromMap, invalidLabels, type Labels, NO_CLASS, plain, toLabels } from './label-values.ts'
import { parsePythonLiteral } from './python-literal.ts'

/** Names of 100,000 classes at 40 bytes each. */
const MAX_LABEL_BYTES = 4 * 2 ** 20

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
    throw invalidLabels(`${text.length} characters`)
  }
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') {
    throw invalidLabels('an empty file')
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

function fromYaml(text: string): Labels {
  let parsed: unknown
  try {
    parsed = parseYaml(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw invalidLabels('YAML that cannot be read', cause)
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
      throw invalidLabels(`two names for class id ${id}`)
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
        throw invalidLabels('class descriptions with a line that is not "/m/id,name"')
      }
      return match[1]?.replaceAll('""', '"') ?? match[2]
    }),
  )
}
