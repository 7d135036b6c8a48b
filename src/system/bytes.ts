/** The pieces one behind the other, in a piece of memory of their own. */
export function joinBytes(pieces: readonly Uint8Array[], length?: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length ?? pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let end = 0
  for (const piece of pieces) {
    whole.set(piece, end)
    end += piece.byteLength
  }
  return whole
}

/** Pieces are copied into blocks of about what is there already: thousands of small ones hold much more than their bytes. */
const LEAST_BLOCK = 1024
const MOST_BLOCK = 256 * 1024

/**
 * Reads a stream to its end and stops where it is longer than allowed. Leaving early closes the stream, as `for await`
 * does. Takes no more memory on the way than about twice what has come, in however small pieces.
 *
 * @param tooLong makes the error for a stream of more than `maxBytes`
 * @param onPiece given each piece that counts, before it is kept; may throw to stop
 */
export async function readBounded(
  stream: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
  maxBytes: number,
  tooLong: () => Error,
  onPiece: (piece: Uint8Array) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  const blocks: Uint8Array[] = []
  let block = new Uint8Array(0)
  let used = 0
  let length = 0
  for await (const read of stream) {
    const piece = typeof read === 'string' ? Buffer.from(read) : read
    if (length + piece.byteLength > maxBytes) {
      throw tooLong()
    }
    onPiece(piece)
    for (let at = 0; at < piece.byteLength; ) {
      if (used === block.byteLength) {
        blocks.push(block)
        block = new Uint8Array(Math.min(Math.max(length, LEAST_BLOCK), MOST_BLOCK))
        used = 0
      }
      const part = piece.subarray(at, at + block.byteLength - used)
      block.set(part, used)
      used += part.byteLength
      at += part.byteLength
      length += part.byteLength
    }
  }
  return joinBytes([...blocks, block.subarray(0, used)], length)
}
