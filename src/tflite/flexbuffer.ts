import { corrupt, MAX_FLEX_KEYS } from './limits.ts'

/** Scalars of a FlexBuffers map; nested values are left out. */
export type FlexValues = Record<string, number | boolean | string>

/** Type numbers of FlexBuffers, in the upper six bits of a packed type; the lower two are the width. */
const INT = 1
const UINT = 2
const FLOAT = 3
const KEY = 4
const STRING = 5
const INDIRECT_INT = 6
const INDIRECT_UINT = 7
const INDIRECT_FLOAT = 8
const MAP = 9
const BOOL = 26

/**
 * Reads the options of a custom operator: a FlexBuffers map, flat in all known operators. The root lies at the
 * end: value, packed type, width.
 *
 * source  FlatBuffers "FlexBuffers" specification
 * @throws BoxletError MODEL_CORRUPT
 */
export function readFlexMap(bytes: Uint8Array): FlexValues {
  const reader = new FlexReader(bytes)
  const width = bytes[bytes.length - 1]
  const packed = bytes[bytes.length - 2]
  if (width === undefined || packed === undefined || packed >> 2 !== MAP) {
    throw corrupt('a map of options', 'something else')
  }
  const root = bytes.length - 2 - width
  return reader.map(reader.target(root, width), 1 << (packed & 3))
}

class FlexReader {
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Before a map lie: offset of its keys, their width, and its length; after it, one type byte a value. */
  map(at: number, width: number): FlexValues {
    const count = this.#unsigned(at - width, width)
    if (count > MAX_FLEX_KEYS) {
      throw corrupt(`at most ${MAX_FLEX_KEYS} options`, `${count}`)
    }
    const keyWidth = this.#unsigned(at - 2 * width, width)
    const keys = this.target(at - 3 * width, width)
    const values: FlexValues = Object.create(null)
    for (let index = 0; index < count; index++) {
      const key = this.#text(this.target(keys + index * keyWidth, keyWidth))
      const packed = this.#unsigned(at + count * width + index, 1)
      const value = this.#value(at + index * width, width, packed)
      if (value !== undefined) {
        values[key] = value
      }
    }
    return values
  }

  target(at: number, width: number): number {
    return at - this.#unsigned(at, width)
  }

  #value(at: number, width: number, packed: number): number | boolean | string | undefined {
    const inner = 1 << (packed & 3)
    switch (packed >> 2) {
      case INT:
        return this.#signed(at, width)
      case UINT:
        return this.#unsigned(at, width)
      case FLOAT:
        return this.#float(at, width)
      case BOOL:
        return this.#unsigned(at, width) !== 0
      case INDIRECT_INT:
        return this.#signed(this.target(at, width), inner)
      case INDIRECT_UINT:
        return this.#unsigned(this.target(at, width), inner)
      case INDIRECT_FLOAT:
        return this.#float(this.target(at, width), inner)
      case KEY:
      case STRING:
        return this.#text(this.target(at, width))
      default:
        return undefined
    }
  }

  #unsigned(at: number, width: number): number {
    this.#check(at, width)
    if (width === 1) {
      return this.#view.getUint8(at)
    }
    if (width === 2) {
      return this.#view.getUint16(at, true)
    }
    if (width === 4) {
      return this.#view.getUint32(at, true)
    }
    return Number(this.#view.getBigUint64(at, true))
  }

  #signed(at: number, width: number): number {
    this.#check(at, width)
    if (width === 1) {
      return this.#view.getInt8(at)
    }
    if (width === 2) {
      return this.#view.getInt16(at, true)
    }
    if (width === 4) {
      return this.#view.getInt32(at, true)
    }
    return Number(this.#view.getBigInt64(at, true))
  }

  #float(at: number, width: number): number {
    this.#check(at, width)
    if (width === 4) {
      return this.#view.getFloat32(at, true)
    }
    if (width === 8) {
      return this.#view.getFloat64(at, true)
    }
    throw corrupt('a number of 4 or 8 bytes', `${width}`)
  }

  /** Keys end with a zero byte; names of options are short. */
  #text(at: number): string {
    let text = ''
    for (let next = at; text.length < 256; next++) {
      const code = this.#unsigned(next, 1)
      if (code === 0) {
        return text
      }
      text += String.fromCharCode(code)
    }
    throw corrupt('a name of at most 256 characters', 'a longer one')
  }

  #check(at: number, width: number): void {
    const known = width === 1 || width === 2 || width === 4 || width === 8
    if (!known || !(at >= 0 && at + width <= this.#view.byteLength)) {
      throw corrupt('options inside their buffer', `offset ${at}`)
    }
  }
}
