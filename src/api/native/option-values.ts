import { BoxletError } from '../../errors.ts'
import { received } from '../received.ts'

/** Reads one option; throws REQUEST_INVALID with the name of the option. */
export type OptionReader<T> = (value: unknown, name: string) => T

/**
 * As people and programs write decimal numbers. `Number` takes more: an empty text, blanks, null and an empty list are 0
 * to it and true is 1, so that a variable that was never set becomes a threshold.
 */
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
/** Longer numbers say nothing more; a bound keeps the expression cheap. */
const MOST_DIGITS = 64

/** A number from JSON, or its decimal text from a query or a form. */
export const decimal =
  (least: number, most: number): OptionReader<number> =>
  (value, name) => {
    const number = toNumber(value)
    if (!(number >= least && number <= most)) {
      throw wrong(`a number from ${least} to ${most}`, name, value)
    }
    return number
  }

export const whole =
  (least: number, most: number): OptionReader<number> =>
  (value, name) => {
    const number = toNumber(value)
    if (!Number.isInteger(number) || number < least || number > most) {
      throw wrong(`a whole number from ${least} to ${most}`, name, value)
    }
    return number
  }

export const flag: OptionReader<boolean> = (value, name) => {
  if (value === true || value === 'true') {
    return true
  }
  if (value === false || value === 'false') {
    return false
  }
  throw wrong('true or false', name, value)
}

export const text =
  (most: number): OptionReader<string> =>
  (value, name) => {
    if (typeof value !== 'string' || value === '' || value.length > most) {
      throw wrong(`text of 1 to ${most} characters`, name, value)
    }
    return value
  }

/** A query gives one text with commas, JSON may give a list too; both mean the same. */
export const classList: OptionReader<(string | number)[]> = (value, name) => {
  const entries: unknown = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value
  if (!Array.isArray(entries)) {
    throw wrong('labels or class ids', name, value)
  }
  return entries.map((entry: unknown) => {
    const isLabel = typeof entry === 'string' && entry !== ''
    if (isLabel || (Number.isInteger(entry) && (entry as number) >= 0)) {
      return entry as string | number
    }
    throw wrong('labels or class ids', name, entry)
  })
}

export const wrong = (wanted: string, name: string, value: unknown): BoxletError =>
  new BoxletError('REQUEST_INVALID', `Expected ${wanted} for ${name} but received ${received(value)}.`)

function toNumber(value: unknown): number {
  if (typeof value === 'number') {
    return value
  }
  const isDecimal = typeof value === 'string' && value.length <= MOST_DIGITS && DECIMAL.test(value)
  return isDecimal ? Number(value) : Number.NaN
}
