/** Byte fields longer than this are referenced, and copied once at most: when the whole message is put together. */
const LONG_BYTES = 1024

/** Bytes that are made when they are written, so that no more than one such part is in memory at a time. */
interface LaterBytes {
  length: number
  make: () => Uint8Array
}

/**
 * Writes a protobuf message: short parts into a buffer that grows, long ones beside it.
 *
 * source  https://protobuf.dev/programming-guides/encoding/
 */
export class MessageWriter {
  readonly #chunks: (Uint8Array | LaterBytes)[] = []
  #chunkBytes = 0
  #buffer = new Uint8Array(128)
  #used = 0

  /** Bytes of the message so far. */
  get length(): number {
    return this.#chunkBytes + this.#used
  }

  int(field: number, value: number | bigint): this {
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5)
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.raw(bytes)
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#head(field, value.length).raw(value)
  }

  /** A field whose value is made when it is written. @throws RangeError then, where it has another length */
  bytesLater(field: number, length: number, make: () => Uint8Array): this {
    this.#head(field, length).#flush()
    this.#chunks.push({ length, make })
    this.#chunkBytes += length
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, ENCODER.encode(value))
  }

  message(field: number, write: (inner: MessageWriter) => void): this {
    const inner = new MessageWriter()
    write(inner)
    return this.append(field, inner)
  }

  /** A field whose value is a message that is already written. */
  append(field: number, inner: MessageWriter): this {
    this.#head(field, inner.length)
    for (const chunk of inner.#chunks) {
      if (chunk instanceof Uint8Array) {
        this.raw(chunk)
      } else {
        this.#flush()
        this.#chunks.push(chunk)
        this.#chunkBytes += chunk.length
      }
    }
    return this.raw(inner.#buffer.subarray(0, inner.#used))
  }

  /** Fields that are encoded already, as they are copied from another file. */
  raw(bytes: Uint8Array): this {
    if (bytes.length <= LONG_BYTES) {
      this.#reserve(bytes.length)
      this.#buffer.set(bytes, this.#used)
      this.#used += bytes.length
      return this
    }
    this.#flush()
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
    return this
  }

  /**
   * The message part by part, in order. A part is valid until the next one is asked for.
   *
   * @throws RangeError where bytes made later are not as many as was said
   */
  *parts(): Generator<Uint8Array> {
    for (const chunk of this.#chunks) {
      yield chunk instanceof Uint8Array ? chunk : made(chunk)
    }
    if (this.#used > 0) {
      yield this.#buffer.subarray(0, this.#used)
    }
  }

  /** The message as one piece. @throws RangeError as `parts` */
  finish(): Uint8Array {
    const out = new Uint8Array(this.length)
    let end = 0
    for (const part of this.parts()) {
      out.set(part, end)
      end += part.length
    }
    return out
  }

  /** Tag and length that come before `length` bytes. */
  #head(field: number, length: number): this {
    this.#varint((field << 3) | 2)
    this.#varint(length)
    return this
  }

  #varint(value: number | bigint): void {
    this.#reserve(10)
    if (typeof value === 'bigint' || value < 0 || value > 0x7fff_ffff) {
      this.#longVarint(BigInt(value))
      return
    }
    let rest = value
    for (; rest > 127; rest >>>= 7) {
      this.#buffer[this.#used++] = (rest & 127) | 128
    }
    this.#buffer[this.#used++] = rest
  }

  /** Negative numbers take ten bytes, as two's complement of 64 bits. */
  #longVarint(value: bigint): void {
    let rest = BigInt.asUintN(64, value)
    for (; rest > 127n; rest >>= 7n) {
      this.#buffer[this.#used++] = Number(rest & 127n) | 128
    }
    this.#buffer[this.#used++] = Number(rest)
  }

  #flush(): void {
    if (this.#used === 0) {
      return
    }
    this.#chunks.push(this.#buffer.slice(0, this.#used))
    this.#chunkBytes += this.#used
    this.#used = 0
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) {
      return
    }
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#used + bytes))
    grown.set(this.#buffer.subarray(0, this.#used))
    this.#buffer = grown
  }
}

function made({ length, make }: LaterBytes): Uint8Array {
  const bytes = make()
  if (bytes.length !== length) {
    throw new RangeError(`Expected ${length} bytes of a field but received ${bytes.length}.`)
  }
  return bytes
}

const ENCODER = new TextEncoder()
