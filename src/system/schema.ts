/** Parts that schemas of several rooms have in common, with what the API document says of them. */
import * as v from 'valibot'

export const described = <S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description))

export const count = v.pipe(v.number(), v.integer(), v.minValue(0))
export const positiveCount = v.pipe(v.number(), v.integer(), v.minValue(1))
export const ratio = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
export const moment = v.pipe(v.string(), v.isoTimestamp())

/** Text that has to be there, of a bounded length. */
export const text = (most: number) => {
  const expected = `text of 1 to ${most} characters`
  return v.pipe(v.string(expected), v.minLength(1, expected), v.maxLength(most, expected))
}

/** A whole number within a range, both ends included. */
export const wholeNumber = (least: number, most: number) => {
  const expected = `a whole number from ${least} to ${most}`
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  )
}

/** A value that is looked at more closely elsewhere, or is the caller's own: of this type is all that is said of it. */
export const opaque = <T>(type: 'array' | 'object' | 'string', description?: string) =>
  v.pipe(
    v.custom<T>(
      (value) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value) === type,
    ),
    v.metadata({ type, ...(description !== undefined && { description }) }),
  )
