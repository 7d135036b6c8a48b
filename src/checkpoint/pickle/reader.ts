import { corrupt, MAX_GLOBAL_CHARACTERS, MAX_INTEGER_BYTES, tooLarge } from '../limits.ts'

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

/** Numbers and texts of a pickle, one after the other. Every read beyond the end is refused. */
export class PickleReader {
  /** Place of the next byte. */
  at: number
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  /** Passes over bytes and gives their place. */
  take(count: number): number {
    const from = this.at
    if (from + count > this.#bytes.length) {
      throw corrupt('a whole pickle', 'one that ends early')
    }
    this.at += count
    return from
  }

  byte(): number {
    return this.#bytes[this.take(1)]!
  }

  int32(): number {
    return this.#view.getInt32(this.take(4), true)
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2), true)
  }

  float64(): number {
    return this.#view.getFloat64(this.take(8), false)
  }

  length32(): number {
    return this.#view.getUint32(this.take(4), true)
  }

  binary(length: number): Uint8Array {
    const from = this.take(length)
    return this.#bytes.subarray(from, from + length)
  }

  text(length: number): string {
    return DECODER.decode(this.binary(length))
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at)
    if (end < 0 || end - this.at > MAX_GLOBAL_CHARACTERS) {
      throw corrupt(`a name of at most ${MAX_GLOBAL_CHARACTERS} characters`, 'a longer one')
    }
    const text = this.text(end - this.at)
    this.take(1)
    return text
  }

  /** Two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) {
      throw tooLarge('bytes of a whole number', MAX_INTEGER_BYTES, length)
    }
    let value = 0n
    for (const byte of this.binary(length).toReversed()) {
      value = (value << 8n) | BigInt(byte)
    }
    value = BigInt.asIntN(length * 8, value)
    const small = Number(value)
    return Number.isSafeInteger(small) ? small : value
  }
}
