import { BoxletError } from '../errors.ts'
import { readBounded } from '../system/bytes.ts'

const EMPTY = new Uint8Array(0)

/** Declared length of a body; undefined when it comes in chunks without one. */
export function declaredLength(headers: Headers): number | undefined {
  const value = headers.get('content-length')
  if (value === null) {
    return undefined
  }
  if (!/^\d{1,15}$/.test(value)) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a whole number for Content-Length.')
  }
  return Number(value)
}

/**
 * Reads a body and stops at the limit, whatever length was declared.
 *
 * @param grow told of each piece that has arrived; may throw to stop
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null | undefined,
  declared: number | undefined,
  maxBytes: number,
  signal: AbortSignal,
  grow: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
  if (declared !== undefined && declared > maxBytes) {
    throw bodyTooLarge(maxBytes)
  }
  if (body === null || body === undefined) {
    return EMPTY
  }
  return declared === undefined
    ? readUndeclared(body, maxBytes, signal, grow)
    : readDeclared(body, declared, signal, grow)
}

/** The whole length at once, so that no piece outlives its arrival. Pages are taken from the system as they fill. */
async function readDeclared(
  body: AsyncIterable<Uint8Array>,
  declared: number,
  signal: AbortSignal,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(declared)
  let size = 0
  for await (const piece of body) {
    signal.throwIfAborted()
    if (size + piece.byteLength > declared) {
      throw wrongLength(declared)
    }
    grow(piece.byteLength)
    bytes.set(piece, size)
    size += piece.byteLength
  }
  if (size !== declared) {
    throw wrongLength(declared)
  }
  return bytes
}

async function readUndeclared(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  return readBounded(
    body,
    maxBytes,
    () => bodyTooLarge(maxBytes),
    (bytes) => {
      signal.throwIfAborted()
      grow(bytes)
    },
  )
}

const wrongLength = (declared: number) =>
  new BoxletError('REQUEST_INVALID', `Expected ${declared} bytes of body but received another number.`)

const bodyTooLarge = (maxBytes: number) =>
  new BoxletError(
    'REQUEST_TOO_LARGE',
    `Expected at most ${maxBytes} bytes for the request body but received more.`,
  )
