import { corrupt, MAX_LISTED_VALUES, MAX_STRING_BYTES, tooLarge } from './limits.ts'

/**
 * How one field of a FlatBuffers table is stored. A schema is a record of `[field id, kind, default]`; ids count
 * the fields of the table in the order of its schema, a union taking two.
 */
export type Kind =
  | 'bool'
  | 'i8'
  | 'u8'
  | 'i32'
  | 'u32'
  | 'u64'
  | 'f32'
  | 'string'
  | 'table'
  | 'tables'
  | 'i32s'
  | 'u16s'
  | 'i64s'
  | 'f32s'
  | 'bytes'

interface KindTypes {
  bool: boolean
  i8: number
  u8: number
  i32: number
  u32: number
  u64: number
  f32: number
  string: string | undefined
  table: Table | undefined
  tables: Table[]
  i32s: number[] | undefined
  u16s: number[] | undefined
  i64s: number[] | undefined
  f32s: number[] | undefined
  bytes: Uint8Array | undefined
}

export type Schema = Record<string, readonly [id: number, kind: Kind, fallback?: number]>
export type Row<S extends Schema> = { -readonly [K in keyof S]: KindTypes[S[K][1]] }

/** Where a table lies. Positions are checked when they are read, never before. */
export interface Table {
  buffer: FlatBuffer
  position: number
}

/**
 * Bounded access to a FlatBuffers file. Every offset is checked against the file, and the number of values read
 * into lists is bounded, since offsets may overlap and a small file could otherwise unfold without end.
 *
 * source  FlatBuffers "Internals" (little endian; tables start with a signed offset back to their vtable)
 */
export class FlatBuffer {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #listed = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  root(): Table {
    return { buffer: this, position: this.u32(0) }
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#check(at, 4), true)
  }

  /** Field position in the file, or 0 when the table does not have it. */
  #field(table: number, id: number): number {
    const vtable = table - this.#view.getInt32(this.#check(table, 4), true)
    const size = this.#view.getUint16(this.#check(vtable, 4), true)
    const slot = 4 + id * 2
    if (slot + 2 > size) {
      return 0
    }
    const offset = this.#view.getUint16(this.#check(vtable + slot, 2), true)
    return offset === 0 ? 0 : table + offset
  }

  read(table: number, id: number, kind: Kind, fallback: number): unknown {
    const at = this.#field(table, id)
    if (at === 0) {
      return missing(kind, fallback)
    }
    switch (kind) {
      case 'bool':
        return this.bytes[this.#check(at, 1)] !== 0
      case 'i8':
        return this.#view.getInt8(this.#check(at, 1))
      case 'u8':
        return this.bytes[this.#check(at, 1)]
      case 'i32':
        return this.#view.getInt32(this.#check(at, 4), true)
      case 'u32':
        return this.u32(at)
      case 'u64':
        return this.#whole(this.#view.getBigUint64(this.#check(at, 8), true))
      case 'f32':
        return this.#view.getFloat32(this.#check(at, 4), true)
      case 'table':
        return { buffer: this, position: this.#target(at) }
      case 'string':
        return this.#string(this.#target(at))
      case 'bytes': {
        const { start, count } = this.#vector(at, 1)
        return this.bytes.subarray(start, start + count)
      }
      case 'tables':
        return this.#list(at, 4, (entry) => ({ buffer: this, position: this.#target(entry) }))
      case 'i32s':
        return this.#list(at, 4, (entry) => this.#view.getInt32(entry, true))
      case 'u16s':
        return this.#list(at, 2, (entry) => this.#view.getUint16(entry, true))
      case 'f32s':
        return this.#list(at, 4, (entry) => this.#view.getFloat32(entry, true))
      case 'i64s':
        return this.#list(at, 8, (entry) => this.#whole(this.#view.getBigInt64(entry, true)))
    }
  }

  #target(at: number): number {
    return at + this.u32(at)
  }

  #vector(at: number, size: number): { start: number; count: number } {
    const vector = this.#target(at)
    const count = this.u32(vector)
    this.#check(vector + 4, count * size)
    return { start: vector + 4, count }
  }

  #list<T>(at: number, size: number, read: (entry: number) => T): T[] {
    const { start, count } = this.#vector(at, size)
    this.#listed += count
    if (this.#listed > MAX_LISTED_VALUES) {
      throw tooLarge('listed values', MAX_LISTED_VALUES, 'more')
    }
    return Array.from({ length: count }, (_, index) => read(start + index * size))
  }

  #string(at: number): string {
    const length = this.u32(at)
    if (length > MAX_STRING_BYTES) {
      throw tooLarge('bytes of a text', MAX_STRING_BYTES, length)
    }
    this.#check(at + 4, length)
    return new TextDecoder().decode(this.bytes.subarray(at + 4, at + 4 + length))
  }

  #whole(value: bigint): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) {
      throw corrupt('a whole number', String(value))
    }
    return number
  }

  #check(at: number, length: number): number {
    if (at < 0 || at + length > this.bytes.length) {
      throw corrupt('offsets inside the file', `${at + length} in ${this.bytes.length} bytes`)
    }
    return at
  }
}

function missing(kind: Kind, fallback: number): unknown {
  if (kind === 'tables') {
    return []
  }
  if (kind === 'bool') {
    return fallback !== 0
  }
  return ['i8', 'u8', 'i32', 'u32', 'u64', 'f32'].includes(kind) ? fallback : undefined
}

/** Reads the fields of a table that the schema names. A table that is not there has the defaults. */
export function readRow<S extends Schema>(table: Table | undefined, schema: S): Row<S> {
  const row: Record<string, unknown> = {}
  for (const [name, [id, kind, fallback = 0]] of Object.entries(schema)) {
    row[name] =
      table === undefined ? missing(kind, fallback) : table.buffer.read(table.position, id, kind, fallback)
  }
  return row as Row<S>
}
