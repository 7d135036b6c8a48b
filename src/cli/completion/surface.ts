/** The command line as a table that knows no shell, for the scripts that complete it. */
import { describeOption } from '../kit/help.ts'
import { type OptionSpec, wordsOf } from '../kit/option-spec.ts'
import { type AnyVerb, isGroup, leavesOf, type Verb } from '../kit/verb.ts'

export type Completes = 'file' | 'folder' | 'model' | 'text'

export interface Flag {
  /** Long forms, with dashes. */
  names: string[]
  /** With its dash. */
  short: string | undefined
  says: string
  multiple: boolean
  /** Undefined for a flag that takes no value. */
  value: { name: string; words: string[]; completes: Completes } | undefined
}

export interface Leaf {
  /** One word, or two for a verb of a group. */
  words: string[]
  says: string
  flags: Flag[]
  /** Undefined for a verb that takes options alone. */
  inputs: { noun: string; words: string[]; completes: Completes } | undefined
}

export interface Surface {
  verbs: { name: string; says: string }[]
  /** Second words by the first. */
  groups: Map<string, { name: string; says: string }[]>
  leaves: Leaf[]
  /** Names of the catalogue. */
  models: string[]
}

const HELP: Flag = {
  names: ['--help'],
  short: '-h',
  says: 'show what the verb does, its options and examples',
  multiple: false,
  value: undefined,
}

export async function surfaceOf(verbs: readonly AnyVerb[], models: readonly string[]): Promise<Surface> {
  const groups: Surface['groups'] = new Map()
  const leaves: Leaf[] = []
  for (const verb of verbs) {
    const below = await leavesOf(verb)
    leaves.push(...below.map(leafOf))
    if (isGroup(verb)) {
      groups.set(
        verb.name,
        below.map(({ name, summary }) => ({ name: name.split(' ')[1]!, says: summary })),
      )
    }
  }
  return {
    verbs: [
      ...verbs.map(({ name, summary }) => ({ name, says: summary })),
      { name: 'help', says: 'Show what a verb does, its options and examples.' },
    ],
    groups,
    leaves,
    models: [...models],
  }
}

const leafOf = ({ name, summary, options, inputs }: Verb): Leaf => ({
  words: name.split(' '),
  says: summary,
  flags: [...Object.entries(options).map(([option, spec]) => flagOf(option, spec)), HELP],
  inputs: inputs && {
    noun: inputs.noun,
    words: wordsOf(inputs.choices ?? []),
    completes: inputs.completes ?? 'text',
  },
})

function flagOf(name: string, spec: OptionSpec): Flag {
  const { type, short, multiple = false, negation, choices = [], value, completes } = spec
  return {
    names:
      negation === 'no' ? [`--no-${name}`] : [`--${name}`, ...(negation === 'both' ? [`--no-${name}`] : [])],
    short: short === undefined ? undefined : `-${short}`,
    says: describeOption(spec),
    multiple,
    value:
      type === 'boolean'
        ? undefined
        : { name: value ?? 'N', words: wordsOf(choices), completes: completes ?? 'text' },
  }
}
