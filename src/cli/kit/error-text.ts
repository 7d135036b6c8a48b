import type { BoxletError } from '../../errors.ts'
import { oneLine } from '../../system/printable.ts'

/** Hints are written for every way of calling; here is what the parts are called on the command line. */
const FLAG_WORDS: readonly [word: string, flag: string][] = [
  ['the tolerant option', '--tolerant'],
  ['raise the pixel limit', 'raise --max-pixels'],
]

/** An error as one line: what was expected, what to do, and the code. */
export function errorText({ message, hint = '', code }: BoxletError): string {
  const said = FLAG_WORDS.reduce((text, [word, flag]) => text.replace(word, flag), hint)
  return oneLine(`${message}${said === '' ? '' : ` ${said}`} [${code}]`)
}
