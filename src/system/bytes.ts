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

/**
 * Reads a stream to its end and stops where it is longer than allowed. Leaving early closes the stream, as `for await`
 * does.
 *
 * @param tooLong makes the error for a stream of more than `maxBytes`
 * @param onPiece told of each piece that counts; may throw to stop
 */
export async function readBounded(
  stream: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
  maxBytes: number,
  tooLong: () => Error,
  onPiece: (bytes: number) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const read of stream) {
    const piece = typeof read === 'string' ? Buffer.from(read) : read
    length += piece.byteLength
    if (length > maxBytes) {
      throw tooLong()
    }
    onPiece(piece.byteLength)
    pieces.push(piece)
  }
  return joinBytes(pieces, length)
}
