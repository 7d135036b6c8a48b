import { BoxletError } from '../../errors.ts'
import { isRecord } from '../../system/record.ts'
import { CONFIG_FILE, readConfigFile } from './config-file.ts'
import { parseFlags } from './flags.ts'
import type { OptionSpec, Settings } from './option-spec.ts'

export type { OptionSpec, Settings } from './option-spec.ts'

/**
 * Reads the options of a verb: flag, then `BOXLET_` variable, then `boxlet.config.json`, the first that has one.
 * `--min-score`, `BOXLET_MIN_SCORE` and `minScore` are one option. `--no-x` turns a boolean off. Options of the
 * verb's own have no variable and stand in the section of the verb only.
 *
 * @param verb name of the section of the configuration file that wins over its top level
 * @throws BoxletError USAGE for flags, CONFIG_INVALID for the variable or the file
 */
export async function readSettings<const T extends Record<string, OptionSpec>>(
  verb: string,
  args: string[],
  spec: T,
  env: Record<string, string | undefined>,
): Promise<{ values: Settings<T>; positionals: string[] }> {
  const flags = await parseFlags(verb, args, spec)
  const file = await readConfigFile()
  const section = file[verb]
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(spec)) {
    const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const variable = `BOXLET_${name.replaceAll('-', '_').toUpperCase()}`
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
  if (option.choices && !option.choices.includes(raw)) {
    throw wrong(`one of ${option.choices.join(', ')}`)
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
