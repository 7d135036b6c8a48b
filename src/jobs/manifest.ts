/**
 * Lists of pictures: JSON lines with `source-ref`, as Amazon's bulk jobs write them, or CSV.
 *
 * source  Amazon Rekognition developer guide, "Input manifest"; RFC 4180 for CSV
 */
import { BoxletError, toBoxletError } from '../errors.ts'
import type { BlobGetOptions, BlobRef } from './blob-store.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import type { PictureSource } from './job.ts'
import type { ManifestPosition, NewPicture } from './job-store.ts'

/** Bytes read at once. Many lines fit, and at least one of any length that is allowed. */
const CHUNK_BYTES = 1024 * 1024
/** Columns and members that name a picture. */
const SOURCE_NAMES: readonly string[] = ['source-ref', 'source_ref', 'source', 'url', 'path', 'image', 's3']
const NEWLINE = 10
/** A list of addresses alone, one a line, needs no header. A comma in one of them divides nothing. */
const NO_COLUMNS: string[] = []

export interface ManifestPart {
  pictures: NewPicture[]
  /** Undefined at the end. */
  next: ManifestPosition | undefined
}

/** Reads some lines of a manifest from where it was left. Only what it gives back has to be kept to go on. */
export async function readManifest(
  position: ManifestPosition,
  get: (ref: BlobRef, options: BlobGetOptions) => Promise<Uint8Array>,
): Promise<ManifestPart> {
  const { source } = position
  const bytes = await get(
    { bucket: source.bucket, key: source.key },
    { range: { start: position.offset, length: CHUNK_BYTES } },
  )
  const atEnd = bytes.length < CHUNK_BYTES
  const pictures: NewPicture[] = []
  let { lines, columns } = position
  let offset = 0
  const rest = (): ManifestPosition => ({
    source,
    offset: position.offset + offset,
    lines,
    ...(columns !== undefined && { columns }),
  })
  if (position.within) {
    const newline = bytes.indexOf(NEWLINE)
    if (newline < 0) {
      offset = bytes.length
      return { pictures, next: atEnd ? undefined : { ...rest(), within: true } }
    }
    offset = newline + 1
  }
  while (offset < bytes.length) {
    if (pictures.length === JOB_DEFAULTS.expandLines) {
      return { pictures, next: rest() }
    }
    const newline = bytes.indexOf(NEWLINE, offset)
    if (newline < 0 && !atEnd && offset > 0) {
      // The line goes on in the next part.
      return { pictures, next: rest() }
    }
    const end = newline < 0 ? bytes.length : newline
    const text = decode(bytes.subarray(offset, end), lines === 0)
    const isHeader = source.format === 'csv' && columns === undefined
    offset = newline < 0 ? bytes.length : newline + 1
    lines++
    if (lines > JOB_DEFAULTS.mostManifestLines) {
      pictures.push(
        unreadable(lines, `Expected at most ${JOB_DEFAULTS.mostManifestLines} lines but received more.`),
      )
      return { pictures, next: undefined }
    }
    if (text === undefined || text.length > JOB_DEFAULTS.mostLineBytes) {
      pictures.push(
        unreadable(
          lines,
          text === undefined
            ? 'Expected UTF-8 but received other bytes.'
            : `Expected at most ${JOB_DEFAULTS.mostLineBytes} bytes for a line but received more.`,
        ),
      )
      if (newline < 0 && !atEnd) {
        return { pictures, next: { ...rest(), within: true } }
      }
      continue
    }
    if (text.trim() === '') {
      continue
    }
    if (isHeader) {
      columns = columnsOf(text)
      if (columns.length > 0) {
        continue
      }
    }
    pictures.push(pictureOf(text, lines, source, columns))
  }
  return { pictures, next: atEnd ? undefined : rest() }
}

function decode(bytes: Uint8Array, isFirst: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isFirst }).decode(bytes)
    return text.endsWith('\r') ? text.slice(0, -1) : text
  } catch {
    return undefined
  }
}

function pictureOf(
  text: string,
  line: number,
  { format, base, made }: ManifestPosition['source'],
  columns: readonly string[] | undefined,
): NewPicture {
  try {
    const { source, name } = format === 'csv' ? fromCsv(text, columns ?? []) : fromJson(text)
    return {
      name: (name ?? source).slice(0, 1024),
      source: sourceOf(source, base),
      ...(!made && { line }),
    }
  } catch (error) {
    return unreadable(line, toBoxletError(error).message)
  }
}

function fromJson(text: string): { source: string; name: string | undefined } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    if (/^\s*[{["]/.test(text)) {
      throw invalid('Expected JSON for the line but it cannot be read.', cause)
    }
    return { source: text.trim(), name: undefined }
  }
  if (typeof value === 'string' && value !== '') {
    return { source: value, name: undefined }
  }
  const members = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const source = SOURCE_NAMES.map((name) => members[name]).find(
    (found) => typeof found === 'string' && found !== '',
  )
  if (typeof source !== 'string') {
    throw invalid('Expected "source-ref" with an address for the line but it has none.')
  }
  return { source, name: typeof members.name === 'string' ? members.name : undefined }
}

function fromCsv(text: string, columns: readonly string[]): { source: string; name: string | undefined } {
  if (columns.length === 0 && !text.trimStart().startsWith('"')) {
    return { source: text.trim(), name: undefined }
  }
  const cells = csvCells(text)
  if (columns.length === 0) {
    return { source: cells[0]!.trim(), name: undefined }
  }
  const cell = (names: readonly string[]): string | undefined => {
    const index = columns.findIndex((column) => names.includes(column))
    const value = index < 0 ? undefined : cells[index]?.trim()
    return value === '' ? undefined : value
  }
  const source = cell(SOURCE_NAMES)
  if (source === undefined) {
    throw invalid('Expected an address in the line but it has none.')
  }
  return { source, name: cell(['name']) }
}

/** Of a header that names where pictures are; of any other line none, as it is a picture itself. */
function columnsOf(line: string): string[] {
  try {
    const cells = csvCells(line).map((cell) => cell.trim().toLowerCase())
    return cells.some((cell) => SOURCE_NAMES.includes(cell)) ? cells : NO_COLUMNS
  } catch {
    return NO_COLUMNS
  }
}

/** The cells of one line. A quoted cell may hold commas and doubled quotes; it may not go on in the next line. */
function csvCells(line: string): string[] {
  const cells: string[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y
  for (;;) {
    const match = cell.exec(line)
    if (match === null) {
      throw invalid('Expected closed quotes in the line but they are open.')
    }
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '') {
      return cells
    }
  }
}

/**
 * Where an address of a list leads.
 *
 * @param base folder that paths are taken from; without it there are no paths
 * @throws BoxletError MANIFEST_INVALID
 */
function sourceOf(address: string, base: string | undefined): PictureSource {
  const s3 = /^s3:\/\/([^/]{1,255})\/(.{1,1024})$/s.exec(address)
  if (s3 !== null) {
    return { kind: 'blob', ref: { bucket: s3[1]!, key: s3[2]! } }
  }
  if (/^https?:\/\//i.test(address)) {
    return { kind: 'url', url: address }
  }
  if (base !== undefined && !/^[a-z][a-z0-9+.-]+:\/\//i.test(address)) {
    const absolute = /^(?:\/|[a-z]:[\\/])/i.test(address)
    return { kind: 'file', path: absolute ? address : `${base}/${address}` }
  }
  throw invalid(
    base === undefined
      ? 'Expected an s3:// or https:// address in the line but received another.'
      : 'Expected a path, or an s3:// or https:// address in the line but received another.',
  )
}

const invalid = (message: string, cause?: unknown): BoxletError =>
  new BoxletError('MANIFEST_INVALID', message, { cause })

const unreadable = (line: number, message: string): NewPicture => ({
  name: `line ${line}`,
  line,
  source: { kind: 'none', error: { code: 'MANIFEST_INVALID', message } },
})
