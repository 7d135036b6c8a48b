import * as v from 'valibot'
import { BoxletError } from '../errors.ts'
import { formFault } from './form-fault.ts'
import { checkJsonBounds, type JsonBounds, REQUEST_BOUNDS } from './json-bounds.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * The body as a JSON object.
 *
 * @param bounds of its nesting and number of values
 * @throws BoxletError REQUEST_INVALID
 */
export function parseJsonObject(
  body: Uint8Array,
  bounds: JsonBounds = REQUEST_BOUNDS,
): Record<string, unknown> {
  checkJsonBounds(body, bounds)
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch (error) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected JSON for the request body but received something else.',
      {
        cause: error,
      },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected a JSON object for the request body but received another value.',
    )
  }
  return value as Record<string, unknown>
}

/**
 * The body as a JSON object of a documented form.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export const readJsonBody = <S extends v.GenericSchema>(schema: S, body: Uint8Array): v.InferOutput<S> =>
  readJson(schema, parseJsonObject(body))

/** @throws BoxletError REQUEST_INVALID */
export function readJson<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, given, { abortEarly: true })
  if (!parsed.success) {
    throw formFault(parsed.issues[0])
  }
  return parsed.output
}
