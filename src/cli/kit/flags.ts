import { parseArgs } from 'node:util'
import { BoxletError } from '../../errors.ts'
import type { OptionSpec } from './option-spec.ts'
import { wordOfOtherTools } from './other-tools.ts'
import { inOwnNames } from './own-names.ts'
import { didYouMean } from './suggest.ts'

/** Options as text or true and false, and all else in order. @throws BoxletError USAGE in one line */
export async function parseFlags(
  verb: string,
  args: string[],
  spec: Record<string, OptionSpec>,
  inputWords?: readonly string[],
) {
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
    return parseArgs({
      args: joinNegative(inOwnNames(args, spec, inputWords), spec),
      options,
      allowPositionals: true,
      allowNegative: true,
      strict: true,
    })
  } catch (cause) {
    throw await flagError(verb, args, spec, cause)
  }
}

/** `--reserved -1` as people write it: Node takes a dash for the start of an option, which no number has. */
function joinNegative(args: readonly string[], spec: Record<string, OptionSpec>): string[] {
  const joined: string[] = []
  for (const [at, arg] of args.entries()) {
    if (arg === '--') {
      return [...joined, ...args.slice(at)]
    }
    const last = joined.at(-1)
    if (/^-[\d.]/.test(arg) && last?.startsWith('--') && spec[last.slice(2)]?.type === 'number') {
      joined[joined.length - 1] = `${last}=${arg}`
    } else {
      joined.push(arg)
    }
  }
  return joined
}

/** The flag is quoted in what Node says, perhaps after its short form. */
const QUOTED_FLAG = /'(?:-\w, )?(--?[^\s'=<]+)/

async function flagError(
  verb: string,
  args: string[],
  spec: Record<string, OptionSpec>,
  cause: unknown,
): Promise<BoxletError> {
  const { code, message = '' } = cause as NodeJS.ErrnoException
  const flag = QUOTED_FLAG.exec(message)?.[1] ?? 'something else'
  const help = `Run "boxlet ${verb} --help" for its options.`
  const usage = (text: string, hint = help) => new BoxletError('USAGE', text, { cause, hint })
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    const meant =
      wordOfOtherTools(flag, spec) ??
      (await didYouMean(
        flag,
        Object.keys(spec).map((name) => `--${name}`),
      ))
    return usage(`Expected an option of "boxlet ${verb}" but received "${flag}".`, meant + help)
  }
  if (message.includes('does not take')) {
    return usage(`Expected no value for ${flag} but received one.`)
  }
  const next = args[args.findIndex((arg) => arg === flag || shortOf(flag, spec) === arg) + 1]
  if (!message.includes('ambiguous') || next === undefined) {
    return usage(`Expected a value for ${flag} but received none.`)
  }
  return usage(
    `Expected a value for ${flag} but received "${next}".`,
    `Write ${flag}=${next} for a value that starts with a dash.`,
  )
}

function shortOf(flag: string, spec: Record<string, OptionSpec>): string | undefined {
  const short = spec[flag.slice(2)]?.short
  return short === undefined ? undefined : `-${short}`
}
