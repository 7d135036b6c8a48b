import { type OptionSpec, type Options, wordsOf } from './option-spec.ts'
import { type AnyVerb, isGroup, leavesOf, type Verb } from './verb.ts'

/** Wide enough for a sentence beside the flags, and still a terminal of two halves on a laptop. */
const WIDTH = 100
/** Most that flags take before what they do; longer ones push their line to the right. */
const FLAGS_WIDTH = 25
const GAP = 2

/** All verbs with a line each. */
export function overview(verbs: readonly AnyVerb[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length)) + 2 * GAP
  const lines = verbs.map(({ name, summary }) => hanging(name, summary, width))
  return `boxlet VERB [options]\n\n${lines.join('\n')}\n\n"boxlet VERB --help" tells more; "boxlet --version" prints the version.\n`
}

/** The full help of a verb. */
export async function helpOf(verb: AnyVerb): Promise<string> {
  return isGroup(verb) ? groupHelp(verb, await leavesOf(verb)) : verbHelp(verb)
}

function verbHelp(verb: Verb): string {
  const sections = [
    usageOf(verb),
    ...(verb.about === undefined ? [verb.summary] : [paragraphs(verb.about)]),
    ...optionSections(verb.options),
    ...(verb.exits === undefined ? [] : [paragraphs(`Exit codes: ${verb.exits}`)]),
    ...exampleSection(verb.examples),
  ]
  return `${sections.join('\n\n')}\n`
}

function groupHelp({ name, summary, about, examples }: AnyVerb, verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map((verb) => secondWord(verb).length))
  const sections = [
    verbs.map((verb) => usageOf(verb)).join('\n'),
    about === undefined ? summary : paragraphs(about),
    verbs.map((verb) => hanging(secondWord(verb), verb.summary, width + 2 * GAP)).join('\n'),
    `"boxlet ${name} VERB --help" shows the options of each.`,
    ...exampleSection(examples),
  ]
  return `${sections.join('\n\n')}\n`
}

const secondWord = ({ name }: Verb): string => name.split(' ').at(-1)!

function usageOf({ name, inputs, options }: Verb): string {
  const rest = Object.keys(options).length > 0 ? ' [options]' : ''
  return `boxlet ${name}${inputs === undefined ? '' : ` ${inputs.usage}`}${rest}`
}

function optionSections(options: Options): string[] {
  const groups = new Map<string, string[]>()
  const flags = Object.entries(options).map(([name, spec]) => flagText(name, spec))
  const width = Math.min(FLAGS_WIDTH, Math.max(...flags.map(({ length }) => length))) + 2 * GAP
  for (const [i, spec] of Object.values(options).entries()) {
    const group = spec.group ?? 'Options'
    groups.set(group, [...(groups.get(group) ?? []), hanging(flags[i]!, describeOption(spec), width)])
  }
  return [...groups].map(([group, lines]) => `${group}\n${lines.join('\n')}`)
}

/** `--out DIR, -o`, `--no-smoke`, `--data, --no-data`. */
function flagText(name: string, { type, value, short, negation }: OptionSpec): string {
  const flag = negation === 'no' ? `--no-${name}` : `--${name}`
  return [
    type === 'boolean' ? flag : `${flag} ${value ?? (type === 'number' ? 'N' : 'TEXT')}`,
    ...(negation === 'both' ? [`--no-${name}`] : []),
    ...(short === undefined ? [] : [`-${short}`]),
  ].join(', ')
}

/** What an option does, with its choices, range and default. */
export function describeOption(spec: OptionSpec): string {
  const { says, choices, min, max, multiple, otherwise } = spec
  const words =
    choices === undefined
      ? ''
      : Array.isArray(choices)
        ? wordsOf(choices).join(' | ')
        : Object.entries(choices)
            .map(([word, meaning]) => `${word} (${meaning})`)
            .join(' | ')
  const range = min !== undefined && max !== undefined ? `${min}–${max}` : ''
  const fallback =
    otherwise ?? (typeof spec.default === 'boolean' || spec.default === undefined ? '' : String(spec.default))
  const remarks = [
    range,
    ...(multiple ? ['may be repeated'] : []),
    ...(fallback === '' ? [] : [`default: ${fallback}`]),
  ].filter((remark) => remark !== '')
  const text = words === '' ? says : `${says}: ${words}`
  return remarks.length === 0 ? text : `${text} (${remarks.join('; ')})`
}

const exampleSection = (examples: readonly string[]): string[] =>
  examples.length === 0 ? [] : [`Examples\n${examples.map((example) => `  ${example}`).join('\n')}`]

const paragraphs = (text: string): string =>
  text
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => wrap(paragraph.replace(/\s*\n\s*/g, ' '), 0))
    .join('\n\n')

/** A line whose text starts in a column of its own and stays in it. */
function hanging(head: string, text: string, column: number): string {
  const start = `  ${head}`.padEnd(column)
  const first = start.length > column || !start.endsWith('  ') ? `${start.trimEnd()}  ` : start
  return first + wrap(text, column, first.length)
}

/** Breaks text at spaces. @param indent of all lines but the first, which starts at column `taken` */
function wrap(text: string, indent: number, taken = indent): string {
  const lines: string[] = []
  let line = ''
  let room = WIDTH - taken
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = ''
      room = WIDTH - indent
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}
