import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'
import { CONFIG_FILE, readConfigFile } from './config-file.ts'
import { parseFlags } from './flags.ts'
import { type OptionSpec, type Options, type Settings, wordsOf } from './option-spec.ts'
import type { Verb } from './verb.ts'

/** `--min-score`, `minScore` and `BOXLET_MIN_SCORE` are one option. */
export const keyOf = (option: string): string =>
  option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
export const variableOf = (option: string): string => `BOXLET_${option.replaceAll('-', '_').toUpperCase()}`
/** Verbs under one word share its section of the configuration file. */
export const sectionOf = ({ name }: Pick<Verb, 'name'>): string => name.split(' ')[0]!

/**
 * Reads the options of a verb: flag, then `BOXLET_` variable, then `boxlet.config.json`, the first that has one,
 * then the default. `--no-x` turns a boolean off. Options of the verb's own have no variable and stand in the
 * section of the verb only, which takes precedence over the top level of the file.
 *
 * @throws BoxletError USAGE for flags, CONFIG_INVALID for the variable or the file
 */
export async function readSettings<T extends Options>(
  verb: Pick<Verb<T>, 'name' | 'options' | 'inputs'>,
  args: string[],
  env: Record<string, string | undefined>,
): Promise<{ values: Settings<T>; positionals: string[] }> {
  const flags = await parseFlags(verb.name, args, verb.options, verb.inputs?.alsoKnownAs)
  const file = await readConfigFile()
  const section = file[sectionOf(verb)]
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(verb.options)) {
    const camel = keyOf(name)
    const variable = variableOf(name)
    const common = option.own ? undefined : env[variable]
    const atTop = option.own || isRecord(file[camel]) ? undefined : file[camel]
    const inFile = (isRecord(section) ? section[camel] : undefined) ?? atTop
    const found =
      flags.values[name] !== undefined
        ? { raw: flags.values[name], from: `--${name}` }
        : common !== undefined && common !== ''
          ? { raw: fromVariable(option, common), from: variable }
          : inFile === undefined
            ? undefined
            : { raw: inFile, from: `${camel} in ${CONFIG_FILE}` }
    if (found !== undefined) {
      values[name] = convert(option, found.raw, found.from)
    } else if (option.default !== undefined) {
      values[name] = option.multiple ? [option.default] : option.default
    }
  }
  return { values: values as Settings<T>, positionals: flags.positionals }
}

function fromVariable({ type, multiple }: OptionSpec, text: string): unknown {
  if (type !== 'boolean') {
    return multiple ? text.split(',') : text
  }
  if (/^(1|true|yes|on)$/i.test(text)) {
    return true
  }
  // Other words stay text, which is refused: a misspelt yes must not be a no.
  return /^(0|false|no|off)$/i.test(text) ? false : text
}

function convert(option: OptionSpec, raw: unknown, from: string): unknown {
  if (option.multiple) {
    return (Array.isArray(raw) ? raw : [raw]).map((item) => single(option, item, from))
  }
  return single(option, raw, from)
}

function single(option: OptionSpec, raw: unknown, from: string): unknown {
  const wrong = (expected: string) =>
    new BoxletError(
      from.startsWith('--') ? 'USAGE' : 'CONFIG_INVALID',
      `Expected ${expected} for ${from} but received "${String(raw)}".`,
    )
  if (option.type === 'boolean') {
    if (typeof raw !== 'boolean') {
      throw wrong('true or false')
    }
    return raw
  }
  if (option.type === 'number') {
    const number = typeof raw === 'string' && raw.trim() === '' ? Number.NaN : Number(raw)
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option
    if (
      !Number.isFinite(number) ||
      number < min ||
      number > max ||
      (option.integer && !Number.isInteger(number))
    ) {
      throw wrong(range(option))
    }
    return number
  }
  if (typeof raw !== 'string') {
    throw wrong('text')
  }
  const words = option.choices === undefined ? [raw] : wordsOf(option.choices)
  if (!words.includes(raw)) {
    throw wrong(`one of ${words.join(', ')}`)
  }
  return raw
}

function range({ integer, min, max }: OptionSpec): string {
  const kind = integer ? 'a whole number' : 'a number'
  if (min !== undefined && max !== undefined) {
    return `${kind} from ${min} to ${max}`
  }
  return min === undefined ? kind : `${kind} from ${min}`
}
