import { BoxletError } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * The body as a JSON object.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function parseJsonObject(body: Uint8Array): Record<string, unknown> {
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
