import { BoxletError } from '../errors.ts'

const EMPTY = new Uint8Array(0)

/** Declared length of a body; undefined when it comes in chunks without one. */
export function declaredLength(headers: Headers): number | undefined {
  const value = headers.get('content-length')
  if (value === null) return undefined
  if (!/^\d{1,15}$/.test(value))
    throw new BoxletError('REQUEST_INVALID', 'Expected a whole number for Content-Length.')
  return Number(value)
}

/**
 * Reads a body and stops at the limit, whatever length was declared.
 *
 * @param grow told of each piece of a body without a declared length; may throw to stop
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null | undefined,
  declared: number | undefined,
  maxBytes: number,
  signal: AbortSignal,
  grow: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
  if (declared !== undefined && declared > maxBytes) throw bodyTooLarge(maxBytes)
  if (body === null || body === undefined) return EMPTY
  const reader = body.getReader()
  const stop = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await collect(reader, declared, maxBytes, grow)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  declared: number | undefined,
  maxBytes: number,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    try {
      if (size > maxBytes) throw bodyTooLarge(maxBytes)
      if (declared === undefined) grow(value.byteLength)
    } catch (error) {
      void reader.cancel().catch(() => {})
      throw error
    }
    chunks.push(value)
  }
  if (declared !== undefined && size !== declared)
    throw new BoxletError('REQUEST_INVALID', `Expected ${declared} bytes of body but received ${size}.`)
  return join(chunks, size)
}

function join(chunks: Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

const bodyTooLarge = (maxBytes: number) =>
  new BoxletError(
    'REQUEST_TOO_LARGE',
    `Expected at most ${maxBytes} bytes for the request body but received more.`,
  )
