import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { BoxletError } from '../errors.ts'

/** One option of a verb. Numbers are checked against their range here, so that no verb has to. */
export interface OptionSpec {
  type: 'string' | 'boolean' | 'number'
  short?: string
  multiple?: boolean
  /** Allowed words for a string. */
  choices?: readonly string[]
  /** Inclusive range for a number. */
  min?: number
  max?: number
  integer?: boolean
}

type Value<S extends OptionSpec> = S['type'] extends 'boolean'
  ? boolean
  : S['type'] extends 'number'
    ? number
    : string
export type Settings<T extends Record<string, OptionSpec>> = {
  [K in keyof T]?: T[K]['multiple'] extends true ? Value<T[K]>[] : Value<T[K]>
}

/** The file beside which people work: keys in camelCase, common ones at the top, others under their verb. */
export const CONFIG_FILE = 'boxlet.config.json'
const MAX_CONFIG_BYTES = 2 ** 20

/**
 * Reads the options of a verb: flag, then `BOXLET_` variable, then `boxlet.config.json`, the first that has one.
 * `--min-score`, `BOXLET_MIN_SCORE` and `minScore` are one option. `--no-x` turns a boolean off.
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
  const flags = parseFlags(args, spec)
  const file = await readConfigFile()
  const section = file[verb]
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(spec)) {
    const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const variable = `BOXLET_${name.replaceAll('-', '_').toUpperCase()}`
    const inFile =
      (isRecord(section) ? section[camel] : undefined) ?? (isRecord(file[camel]) ? undefined : file[camel])
    const found =
      flags.values[name] !== undefined
        ? { raw: flags.values[name], from: `--${name}` }
        : env[variable] !== undefined && env[variable] !== ''
          ? { raw: fromVariable(option, env[variable]), from: variable }
          : inFile === undefined
            ? undefined
            : { raw: inFile, from: `${camel} in ${CONFIG_FILE}` }
    if (found !== undefined) values[name] = convert(option, found.raw, found.from)
  }
  return { values: values as Settings<T>, positionals: flags.positionals }
}

function parseFlags(args: string[], spec: Record<string, OptionSpec>) {
  const options = Object.fromEntries(
    Object.entries(spec).map(([name, { type, short, multiple }]) => [
      name,
      {
        type: type === 'boolean' ? ('boolean' as const) : ('string' as const),
        ...(short && { short }),
        ...(multiple && { multiple }),
      },
    ]),
  )
  try {
    return parseArgs({ args, options, allowPositionals: true, allowNegative: true, strict: true })
  } catch (cause) {
    // parseArgs explains itself well; only its closing advice about "--" is for programmers.
    const said = cause instanceof Error ? cause.message.split('. To specify')[0]! : 'something else'
    throw new BoxletError('USAGE', `Expected known options but received: ${said.replace(/\.$/, '')}.`, {
      cause,
      hint: 'Run the verb with --help for its options.',
    })
  }
}

const fromVariable = ({ type, multiple }: OptionSpec, text: string): unknown =>
  type === 'boolean' ? /^(1|true|yes|on)$/i.test(text) : multiple ? text.split(',') : text

function convert(option: OptionSpec, raw: unknown, from: string): unknown {
  if (option.multiple) return (Array.isArray(raw) ? raw : [raw]).map((item) => single(option, item, from))
  return single(option, raw, from)
}

function single(option: OptionSpec, raw: unknown, from: string): unknown {
  const wrong = (expected: string) =>
    new BoxletError(
      from.startsWith('--') ? 'USAGE' : 'CONFIG_INVALID',
      `Expected ${expected} for ${from} but received "${String(raw)}".`,
    )
  if (option.type === 'boolean') {
    if (typeof raw !== 'boolean') throw wrong('true or false')
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
  if (typeof raw !== 'string') throw wrong('text')
  if (option.choices && !option.choices.includes(raw)) throw wrong(`one of ${option.choices.join(', ')}`)
  return raw
}

function range({ integer, min, max }: OptionSpec): string {
  const kind = integer ? 'a whole number' : 'a number'
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`
  return min === undefined ? kind : `${kind} from ${min}`
}

async function readConfigFile(): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(CONFIG_FILE, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new BoxletError('CONFIG_INVALID', `Expected a readable ${CONFIG_FILE} but it cannot be read.`, {
      cause,
    })
  }
  try {
    const parsed: unknown = text.length > MAX_CONFIG_BYTES ? undefined : JSON.parse(text)
    if (isRecord(parsed)) return parsed
  } catch {}
  throw new BoxletError(
    'CONFIG_INVALID',
    `Expected a JSON object of at most 1 MiB in ${CONFIG_FILE} but received something else.`,
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
