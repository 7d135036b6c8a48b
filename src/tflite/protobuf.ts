/** Byte fields longer than this are referenced and copied once, at the end. */
const LONG_BYTES = 1024

/** Writes protobuf messages: short parts into a buffer that grows, long ones beside it. */
export class MessageWriter {
  readonly #chunks: Uint8Array[] = []
  #chunkBytes = 0
  #buffer = new Uint8Array(128)
  #used = 0

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
    this.#append(bytes)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#append(value)
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, ENCODER.encode(value))
  }

  message(field: number, write: (inner: MessageWriter) => void): this {
    const inner = new MessageWriter()
    write(inner)
    this.#varint((field << 3) | 2)
    this.#varint(inner.length)
    for (const chunk of inner.#chunks) {
      this.#append(chunk)
    }
    this.#append(inner.#buffer.subarray(0, inner.#used))
    return this
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.length)
    let at = 0
    for (const chunk of this.#chunks) {
      out.set(chunk, at)
      at += chunk.length
    }
    out.set(this.#buffer.subarray(0, this.#used), at)
    return out
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

  #append(bytes: Uint8Array): void {
    if (bytes.length <= LONG_BYTES) {
      this.#reserve(bytes.length)
      this.#buffer.set(bytes, this.#used)
      this.#used += bytes.length
      return
    }
    this.#flush()
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
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

const ENCODER = new TextEncoder()
