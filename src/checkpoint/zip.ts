import { crc32 } from 'node:zlib'
import { corrupt, MAX_ENTRIES, quoted, tooLarge, unsupported } from './limits.ts'
import type { ByteSource } from './source.ts'

/** One stored file of the archive: where its bytes lie. */
export interface ZipEntry {
  name: string
  start: number
  end: number
  crc: number
}

const END_MARK = 0x06054b50
const END64_MARK = 0x06064b50
const LOCATOR64_MARK = 0x07064b50
const CENTRAL_MARK = 0x02014b50
const LOCAL_MARK = 0x04034b50
const END_BYTES = 22
/** The end record may be followed by a comment of 64 kB. */
const MAX_COMMENT = 65_535
/** Bytes read at a time for checksums. */
const CHUNK_BYTES = 2 ** 20

/**
 * The entries of a ZIP file as `torch.save` writes it: stored, not compressed, none over another, with
 * checksums that fit.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT or MODEL_UNSUPPORTED
 */
export function readZip(source: ByteSource): Map<string, ZipEntry> {
  const { count, start, size } = findDirectory(source)
  if (count > MAX_ENTRIES) {
    throw tooLarge('archive entries', MAX_ENTRIES, count)
  }
  const directory = exact(source, start, start + size)
  const view = viewOf(directory)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  let total = 0
  for (let index = 0; index < count; index++) {
    if (at + 46 > directory.length || view.getUint32(at, true) !== CENTRAL_MARK) {
      throw corrupt('a whole archive directory', `one that ends after ${index} of ${count} entries`)
    }
    const { entry, next } = centralEntry(source, directory, view, at, start)
    total += entry.end - entry.start
    if (total > source.length) {
      throw corrupt('archive entries side by side', 'entries that lie over each other')
    }
    if (entries.has(entry.name)) {
      throw corrupt('archive entries with names of their own', `two of ${quoted(entry.name)}`)
    }
    entries.set(entry.name, entry)
    at = next
  }
  for (const entry of entries.values()) {
    checkCrc(source, entry)
  }
  return entries
}

function findDirectory(source: ByteSource): { count: number; start: number; size: number } {
  const tailStart = Math.max(0, source.length - END_BYTES - MAX_COMMENT)
  const tail = exact(source, tailStart, source.length)
  const view = viewOf(tail)
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) === END_MARK) {
      const small = {
        count: view.getUint16(at + 10, true),
        size: view.getUint32(at + 12, true),
        start: view.getUint32(at + 16, true),
      }
      return bounded(source, directory64(source, tailStart + at) ?? small)
    }
  }
  throw corrupt('an archive with its directory', 'one that was cut off before its end')
}

/** PyTorch writes the 64-bit records always; their place is told by a locator before the end record. */
function directory64(source: ByteSource, end: number): ReturnType<typeof findDirectory> | undefined {
  if (end < 20) {
    return undefined
  }
  const locator = viewOf(exact(source, end - 20, end))
  if (locator.getUint32(0, true) !== LOCATOR64_MARK) {
    return undefined
  }
  const at = wide(locator, 8)
  if (at + 56 > source.length) {
    throw corrupt('an archive directory inside the file', `a place after ${source.length} bytes`)
  }
  const record = viewOf(exact(source, at, at + 56))
  if (record.getUint32(0, true) !== END64_MARK) {
    throw corrupt('the end record of the archive', 'other bytes in its place')
  }
  return { count: wide(record, 32), size: wide(record, 40), start: wide(record, 48) }
}

function bounded(source: ByteSource, found: ReturnType<typeof findDirectory>) {
  if (found.start + found.size > source.length) {
    throw corrupt('an archive directory inside the file', `a place after ${source.length} bytes`)
  }
  return found
}

function centralEntry(
  source: ByteSource,
  directory: Uint8Array,
  view: DataView,
  at: number,
  directoryStart: number,
): { entry: ZipEntry; next: number } {
  const flags = view.getUint16(at + 8, true)
  const method = view.getUint16(at + 10, true)
  const nameEnd = at + 46 + view.getUint16(at + 28, true)
  const extraEnd = nameEnd + view.getUint16(at + 30, true)
  const next = extraEnd + view.getUint16(at + 32, true)
  if (next > directory.length) {
    throw corrupt('a whole archive directory', 'an entry that ends after it')
  }
  const name = new TextDecoder().decode(directory.subarray(at + 46, nameEnd))
  if (method !== 0 || (flags & 1) !== 0) {
    throw unsupported(
      'stored archive entries, as torch.save writes them',
      `${(flags & 1) !== 0 ? 'an encrypted' : 'a compressed'} entry ${quoted(name)}`,
      'The archive was packed again; unpack it, or save the model again with torch.save.',
    )
  }
  const sizes = { packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true) }
  const wideSizes = extra64(view, nameEnd, extraEnd, sizes, view.getUint32(at + 42, true))
  const start = dataStart(source, wideSizes.local, nameEnd - at - 46)
  const end = start + wideSizes.size
  if (wideSizes.size !== wideSizes.packed || end > directoryStart) {
    throw corrupt(`all bytes of ${quoted(name)}`, 'fewer in the file')
  }
  return { entry: { name, start, end, crc: view.getUint32(at + 16, true) }, next }
}

/** Sizes and places of 0xffffffff stand in the 64-bit extra field, in this order. */
function extra64(
  view: DataView,
  from: number,
  to: number,
  { packed, size }: { packed: number; size: number },
  local: number,
) {
  const values = { size, packed, local }
  for (let at = from; at + 4 <= to; ) {
    const end = at + 4 + view.getUint16(at + 2, true)
    if (view.getUint16(at, true) === 1) {
      let field = at + 4
      for (const key of ['size', 'packed', 'local'] as const) {
        if (values[key] === 0xffff_ffff && field + 8 <= Math.min(end, to)) {
          values[key] = wide(view, field)
          field += 8
        }
      }
    }
    at = end
  }
  return values
}

function dataStart(source: ByteSource, local: number, nameLength: number): number {
  if (local + 30 > source.length) {
    throw corrupt('archive entries inside the file', `one at ${local} of ${source.length} bytes`)
  }
  const header = viewOf(exact(source, local, local + 30))
  if (header.getUint32(0, true) !== LOCAL_MARK || header.getUint16(26, true) !== nameLength) {
    throw corrupt('the head of an archive entry', 'other bytes in its place')
  }
  return local + 30 + nameLength + header.getUint16(28, true)
}

function checkCrc(source: ByteSource, { name, start, end, crc }: ZipEntry): void {
  let sum = 0
  for (let at = start; at < end; at += CHUNK_BYTES) {
    sum = crc32(exact(source, at, Math.min(end, at + CHUNK_BYTES)), sum)
  }
  if (sum !== crc) {
    throw corrupt(`${quoted(name)} with the checksum ${hex(crc)}`, `bytes with ${hex(sum)}`)
  }
}

/** Bytes that have to be there. */
export function exact(source: ByteSource, start: number, end: number): Uint8Array {
  const bytes = source.read(start, end)
  if (bytes.length !== end - start) {
    throw corrupt(`${end - start} bytes at ${start}`, `${bytes.length}`)
  }
  return bytes
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** 64-bit places; beyond 2^53 they are no longer exact, and far behind the end of any file. */
const wide = (view: DataView, at: number): number => Number(view.getBigUint64(at, true))

const hex = (value: number): string => value.toString(16).padStart(8, '0')
