import { expectedOf, type OptionRow, takes } from '../../detector/options.ts'
import { BoxletError } from '../../errors.ts'
import { received } from '../received.ts'

/**
 * As people and programs write decimal numbers. `Number` takes more: an empty text, blanks, null and an empty list are 0
 * to it and true is 1, so that a variable that was never set becomes a threshold.
 */
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
/** Longer numbers say nothing more; a bound keeps the expression cheap. */
const MOST_DIGITS = 64

/**
 * The value of an option, from JSON or from the text of a query or a form.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function readOption(row: OptionRow, value: unknown, name: string): unknown {
  const read = typeof value === 'string' ? fromText(row, value) : value
  if (takes(row, read)) {
    return read
  }
  throw wrong(expectedOf(row), name, value)
}

/** @throws BoxletError REQUEST_INVALID */
export function readText(value: unknown, name: string, most: number): string {
  if (typeof value === 'string' && value !== '' && value.length <= most) {
    return value
  }
  throw wrong(`text of 1 to ${most} characters`, name, value)
}

export const wrong = (expected: string, name: string, value: unknown): BoxletError =>
  new BoxletError('REQUEST_INVALID', `Expected ${expected} for ${name} but received ${received(value)}.`)

/** Text that is no value of the type stays as it is, and is refused. */
function fromText({ type }: OptionRow, text: string): unknown {
  if (type === 'list') {
    return text.split(',').map((part) => part.trim())
  }
  if (type === 'boolean') {
    return text === 'true' ? true : text === 'false' ? false : text
  }
  return text.length <= MOST_DIGITS && DECIMAL.test(text) ? Number(text) : text
}
