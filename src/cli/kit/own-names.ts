import { existsSync } from 'node:fs'
import type { Options } from './option-spec.ts'
import { optionCalled } from './other-tools.ts'

/**
 * A call in the words of other tools, in Boxlet's: `--conf 0.5` and `conf=0.5` are `--min-score=0.5`, and
 * `source=a.jpg` is `a.jpg`. What no option is called stays as it is, and so do values and names of files.
 *
 * @param inputWords what other tools call the inputs of the verb
 */
export function inOwnNames(
  args: readonly string[],
  options: Options,
  inputWords: readonly string[] = [],
): string[] {
  const own: string[] = []
  for (const [at, arg] of args.entries()) {
    if (arg === '--') {
      return [...own, ...args.slice(at)]
    }
    own.push(...(isValue(own.at(-1), options) ? [arg] : named(arg, options, inputWords)))
  }
  return own
}

/** Whether the argument before takes the next one, whatever it looks like. */
function isValue(before: string | undefined, options: Options): boolean {
  const long = /^--([^=]+)$/.exec(before ?? '')?.[1]
  const short = /^-([A-Za-z])$/.exec(before ?? '')?.[1]
  const spec = long === undefined ? Object.values(options).find((one) => one.short === short) : options[long]
  return (
    before !== undefined && (long ?? short) !== undefined && spec !== undefined && spec.type !== 'boolean'
  )
}

const TRUE = /^(true|1|yes|on)$/i
const FALSE = /^(false|0|no|off)$/i

function named(arg: string, options: Options, inputWords: readonly string[]): string[] {
  const [, dashes = '', no = '', word, equals, value = ''] =
    /^(--)?(no-)?([A-Za-z][\w-]*)(=)?(.*)$/s.exec(arg) ?? []
  if (word === undefined || (dashes === '' && (equals === undefined || existsSync(arg)))) {
    return [arg]
  }
  if (inputWords.includes(word.toLowerCase()) && !Object.hasOwn(options, word)) {
    return equals === undefined ? [] : [value]
  }
  const option = optionCalled(word, options)
  if (option === undefined || (dashes !== '' && option === word)) {
    return [arg]
  }
  if (
    options[option]!.type === 'boolean' &&
    equals !== undefined &&
    (TRUE.test(value) || FALSE.test(value))
  ) {
    return [`--${FALSE.test(value) ? 'no-' : ''}${option}`]
  }
  return [`--${no}${option}${equals === undefined ? '' : `=${value}`}`]
}
