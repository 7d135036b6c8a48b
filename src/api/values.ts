/** Values of a caller, read by the schemas and tables that the API document is made from. */
import * as v from 'valibot'
import { expectedOf, type OptionRow, takes } from '../detector/options.ts'
import { BoxletError } from '../errors.ts'
import { expectedBy } from './form-fault.ts'
import { received } from './received.ts'

/** Parameters by their names; one whose schema is a list may be repeated. */
export type Parameters = Readonly<Record<string, v.GenericSchema>>

type Values<T extends Parameters> = { [K in keyof T]?: v.InferOutput<T[K]> }

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
  const read =
    typeof value === 'string'
      ? row.type === 'list'
        ? value.split(',').map((part) => part.trim())
        : fromText(row.type, value)
      : value
  if (takes(row, read)) {
    return read
  }
  throw wrong(expectedOf(row), name, value)
}

/**
 * The value of a parameter, from JSON or from the text of a query, a form or a header.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function readValue<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  name: string,
): v.InferOutput<S> {
  const given = typeof value === 'string' ? fromText(schema.type, value) : value
  const result = v.safeParse(schema, given, { abortEarly: true })
  if (result.success) {
    return result.output
  }
  const [issue] = result.issues
  const at = issue.path?.map(({ key }) => `.${key}`).join('') ?? ''
  throw wrong(expectedBy(issue), `${name}${at}`, at === '' ? value : issue.input)
}

/**
 * The parameters of a query. A name outside of the table is refused: it would be a misspelt filter, which finds too
 * much in silence.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function readQuery<T extends Parameters>(table: T, query: URLSearchParams): Values<T> {
  for (const name of query.keys()) {
    if (!Object.hasOwn(table, name)) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected a documented parameter but received ${received(name)}.`,
        { hint: `Parameters are ${Object.keys(table).join(', ')}.` },
      )
    }
  }
  return readValues(table, (name, isList) => (isList ? query.getAll(name) : (query.get(name) ?? undefined)))
}

/** As `readQuery`, from wherever the values lie. */
export function readValues<T extends Parameters>(
  table: T,
  given: (name: string, isList: boolean) => unknown,
): Values<T> {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(table)) {
    const value = given(name, schema.type === 'array')
    if (value !== undefined) {
      values[name] = readValue(schema, value, name)
    }
  }
  return values as Values<T>
}

export const wrong = (expected: string, name: string, value: unknown): BoxletError =>
  new BoxletError('REQUEST_INVALID', `Expected ${expected} for ${name} but received ${received(value)}.`)

/** Text that is no value of the type stays as it is, and is refused. */
function fromText(type: string, text: string): unknown {
  if (type === 'boolean') {
    return text === 'true' ? true : text === 'false' ? false : text
  }
  return type === 'number' && text.length <= MOST_DIGITS && DECIMAL.test(text) ? Number(text) : text
}
