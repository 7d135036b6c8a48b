/** The options of detection as options of a verb, made from the one table of them. */
import { FLAT_OPTIONS, type FlatValues, nested, type OptionRow } from '../../detector/options.ts'
import type { DetectOptions } from '../../detector/types.ts'
import type { OptionSpec, Settings } from './option-spec.ts'

type Rows = typeof FLAT_OPTIONS
type Name = {
  [K in keyof Rows]: Rows[K] extends { notIn: readonly (infer W)[] } ? ('cli' extends W ? never : K) : K
}[keyof Rows]
type Kebab<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : ''
type FlagOf<K extends Name> = Rows[K] extends { alias: infer A extends string } ? A : Kebab<K>
type SpecOf<R extends OptionRow> = OptionSpec &
  (R['type'] extends 'list' ? { type: 'string'; multiple: true } : { type: R['type']; multiple?: false })

/** How the command line shows an option beyond what the table says. */
const SHOWN: { [K in Name]?: Pick<OptionSpec, 'group' | 'value'> } = {
  minScore: { value: 'S' },
  iou: { value: 'I' },
  classes: { value: 'A,B' },
  sliceOverlap: { value: 'S' },
  maxPixels: { group: 'Pictures' },
  tolerant: { group: 'Pictures' },
  altText: { group: 'Output' },
}

const flagOf = (name: string, { alias }: OptionRow): string =>
  alias ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function specOf(name: Name, row: OptionRow): OptionSpec {
  const { type, says, min, max, integer } = row
  return {
    type: type === 'list' ? 'string' : type,
    // Sentences there, fragments here.
    says: says[0]!.toLowerCase() + says.slice(1).replace(/\.$/, ''),
    group: 'What to find',
    ...(type === 'list' && { multiple: true }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(integer && { integer }),
    ...(row.alsoKnownAs && { alsoKnownAs: row.alsoKnownAs }),
    ...(row.default !== undefined && { otherwise: String(row.default) }),
    ...SHOWN[name],
  }
}

const onCommandLine = Object.entries<OptionRow>(FLAT_OPTIONS).filter(
  ([, row]) => !row.notIn?.includes('cli'),
) as [Name, OptionRow][]

export const DETECTION_OPTIONS = Object.fromEntries(
  onCommandLine.map(([name, row]) => [flagOf(name, row), specOf(name, row)]),
) as { [K in Name as FlagOf<K>]: SpecOf<Rows[K]> }

const { 'alt-text': _always, ...forJobs } = DETECTION_OPTIONS

/** For results that are kept, and always hold the sentence. */
export const KEPT_DETECTION_OPTIONS = forJobs

/** What a detector takes, from the options of a verb; classes may be separated by commas too. */
export function detectOptions(values: Partial<Settings<typeof DETECTION_OPTIONS>>): DetectOptions {
  const given = values as Readonly<Record<string, unknown>>
  const flat = onCommandLine.map(([name, row]) => {
    const value = given[flagOf(name, row)]
    return [name, row.type === 'list' && value !== undefined ? classNames(value as readonly string[]) : value]
  })
  return nested(Object.fromEntries(flat.filter(([, value]) => value !== undefined)) as FlatValues)
}

/** Labels and class ids, given several times or with commas between them. */
export const classNames = (texts: readonly string[] = []): string[] =>
  texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
