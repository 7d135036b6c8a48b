import { BoxletError } from '../errors.ts'
import { readBounded } from '../system/bytes.ts'

/** Each chunk costs microseconds of the thread that answers; clients send kilobytes in one. */
const LEAST_PIECE_BYTES = 16
const FREE_PIECES = 10_000

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
 * @param arrived given each piece before it is kept; may throw to stop
 * @param turn waited for before each piece but the first is asked for
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null | undefined,
  declared: number | undefined,
  maxBytes: number,
  signal: AbortSignal,
  arrived: (piece: Uint8Array) => void = () => {},
  turn: () => Promise<void> = async () => {},
): Promise<Uint8Array> {
  if (declared !== undefined && declared > maxBytes) {
    throw bodyTooLarge(maxBytes)
  }
  if (body === null || body === undefined) {
    return EMPTY
  }
  const pieces = untilStopped(body, signal, turn)
  let count = 0
  let bytes = 0
  const counted = (piece: Uint8Array) => {
    bytes += piece.byteLength
    if (++count > FREE_PIECES + bytes / LEAST_PIECE_BYTES) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected chunks of at least ${LEAST_PIECE_BYTES} bytes but received ${count} with ${bytes} together.`,
      )
    }
    arrived(piece)
  }
  return declared === undefined
    ? readBounded(pieces, maxBytes, () => bodyTooLarge(maxBytes), counted)
    : readDeclared(pieces, declared, counted)
}

/**
 * The pieces of a body until the signal is aborted. A sender that stops in the middle never ends the stream, so that
 * whoever waits for its next piece alone would wait for good.
 */
async function* untilStopped(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  turn: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  const pieces = body[Symbol.asyncIterator]()
  let stop = () => {}
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  stopped.catch(() => {})
  try {
    signal.throwIfAborted()
    for (;;) {
      const next = await Promise.race([pieces.next(), stopped])
      if (next.done) {
        return
      }
      yield next.value
      await turn()
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // Not waited for: it settles when the stream does.
    void pieces.return?.().catch(() => {})
  }
}

/** Below this a body is gathered in pieces: memory for one that was only announced is never asked for. */
const BEGUN_BYTES = 64 * 1024

/**
 * The whole length at once, as soon as a beginning is there, so that no piece outlives its arrival. Pages are taken
 * from the system as they fill.
 */
async function readDeclared(
  body: AsyncIterable<Uint8Array>,
  declared: number,
  arrived: (piece: Uint8Array) => void,
): Promise<Uint8Array> {
  let bytes = new Uint8Array(Math.min(declared, BEGUN_BYTES))
  let size = 0
  for await (const piece of body) {
    const end = size + piece.byteLength
    if (end > declared) {
      throw wrongLength(declared)
    }
    arrived(piece)
    if (end > bytes.byteLength) {
      const whole = new Uint8Array(declared)
      whole.set(bytes.subarray(0, size))
      bytes = whole
    }
    bytes.set(piece, size)
    size = end
  }
  if (size !== declared) {
    throw wrongLength(declared)
  }
  return bytes
}

const wrongLength = (declared: number) =>
  new BoxletError('REQUEST_INVALID', `Expected ${declared} bytes of body but received another number.`)

const bodyTooLarge = (maxBytes: number) =>
  new BoxletError(
    'REQUEST_TOO_LARGE',
    `Expected at most ${maxBytes} bytes for the request body but received more.`,
  )
