import { BoxletError } from '../../errors.ts'

export const corrupt = (detail: string): BoxletError =>
  new BoxletError('MODEL_CORRUPT', `Expected a valid ONNX file but received one where ${detail}.`, {
    hint: 'Copy or export the model again; downloads that stopped early look like this.',
  })

export const tooMuch = (limit: number, what: string, received: number): BoxletError =>
  new BoxletError('MODEL_LIMIT', `Expected at most ${limit} ${what} in the model but received ${received}.`, {
    details: { limit, received },
  })

/**
 * Reads protobuf fields from a range of a buffer. Every offset is checked against the end of the range before
 * a byte is touched, and nothing is copied but the text that is asked for.
 *
 * `bytes` is a Buffer because that decodes text several times as fast as anything else; nothing beyond this
 * class sees it, as a Buffer's `slice` shares memory where that of a Uint8Array copies.
 */
export class Cursor {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  at: number
  /** Wire type of the field that `field` read last. */
  wire = 0

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.at = start
  }

  /** Number of the next field, or 0 at the end of the range. */
  field(): number {
    if (this.at >= this.end) {
      return 0
    }
    const tag = this.varint()
    // Field numbers end at 2^29 − 1.
    if (tag < 8 || tag > 0xffffffff) {
      throw corrupt(`byte ${this.at} starts no field`)
    }
    this.wire = tag & 7
    return tag >>> 3
  }

  /** Value of a varint field, unsigned; exact below 2^53. */
  number(): number {
    this.#expect(0)
    return this.varint()
  }

  /** Value of an int64 field, signed; exact within ±2^53, which holds for all sizes that can exist. */
  signed(): number {
    this.#expect(0)
    return this.varintSigned()
  }

  float(): number {
    this.#expect(5)
    return this.fixed32()
  }

  fixed32(): number {
    return this.bytes.readFloatLE(this.#advance(4))
  }

  fixed64(): number {
    return this.bytes.readDoubleLE(this.#advance(8))
  }

  /** A cursor over the bytes of a length-delimited field. */
  message(): Cursor {
    this.#expect(2)
    const length = this.varint()
    const start = this.#advance(length)
    return new Cursor(this.bytes, start, start + length)
  }

  /** Text of a length-delimited field; `limit` is in bytes. Damaged UTF-8 becomes replacement characters. */
  text(limit: number, what: string): string {
    this.#expect(2)
    const length = this.varint()
    if (length > limit) {
      if (length > this.end - this.at) {
        throw corrupt(`a field reaches beyond byte ${this.end}`)
      }
      throw tooMuch(limit, `bytes of ${what}`, length)
    }
    const start = this.#advance(length)
    return this.bytes.toString('utf8', start, start + length)
  }

  skip(): void {
    switch (this.wire) {
      case 0:
        this.varint()
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#advance(this.varint())
        return
      case 5:
        this.#advance(4)
        return
      default:
        throw corrupt(`byte ${this.at} has a wire type that ONNX does not use`)
    }
  }

  varint(): number {
    const { bytes, end } = this
    // Most numbers are one byte, and a file is read once, before the compiler has seen the loop.
    if (this.at < end && (bytes[this.at] as number) < 0x80) {
      return bytes[this.at++] as number
    }
    let value = 0
    let factor = 1
    for (let count = 0; count < 10; count++) {
      if (this.at >= end) {
        throw corrupt(`a number reaches beyond byte ${end}`)
      }
      const byte = bytes[this.at++] as number
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        return value
      }
      factor *= 128
    }
    throw corrupt(`a number before byte ${this.at} does not end`)
  }

  varintSigned(): number {
    const { bytes, end } = this
    let low = 0
    let high = 0
    for (let count = 0; count < 10; count++) {
      if (this.at >= end) {
        throw corrupt(`a number reaches beyond byte ${end}`)
      }
      const byte = bytes[this.at++] as number
      const bits = byte & 0x7f
      if (count < 4) {
        low |= bits << (7 * count)
      } else if (count === 4) {
        low |= bits << 28
        high = bits >>> 4
      } else {
        high |= bits << (7 * count - 32)
      }
      if (byte < 0x80) {
        return high * 2 ** 32 + (low >>> 0)
      }
    }
    throw corrupt(`a number before byte ${this.at} does not end`)
  }

  #expect(wire: number): void {
    if (this.wire !== wire) {
      throw corrupt(`byte ${this.at} has wire type ${this.wire} instead of ${wire}`)
    }
  }

  #advance(length: number): number {
    const { at } = this
    if (length > this.end - at) {
      throw corrupt(`a field reaches beyond byte ${this.end}`)
    }
    this.at = at + length
    return at
  }
}

/** A view of the same memory that a cursor can read. */
export const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
