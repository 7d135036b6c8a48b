import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Busboy } from '@fastify/busboy'
import { BoxletError } from '../../errors.ts'
import { joinBytes } from '../../system/bytes.ts'
import { MOST_FIELDS } from '../form-bounds.ts'

/** One part of a form: text, or a file with its bytes. */
export type FormPart = { name: string } & (
  | { text: string }
  | { fileName: string | undefined; bytes: Uint8Array }
)

/** An option or an address; the longest that one may be is 8 KB. */
const MAX_FIELD_BYTES = 16 * 1024
/** A form that is refused is not read to its end. */
const PIECE_BYTES = 256 * 1024
/** Name, disposition, type and what proxies add. */
const MAX_PART_HEADERS = 32

/**
 * Reads a multipart form, as RFC 7578 has it and as clients write it: names with and without quotes, `filename*`, a
 * preamble and an epilogue. Parts beyond the limits end the reading.
 *
 * @param contentType with the boundary
 * @param maxFiles most parts with a file name
 * @throws BoxletError REQUEST_INVALID
 */
export async function readForm(body: Uint8Array, contentType: string, maxFiles: number): Promise<FormPart[]> {
  const parts: FormPart[] = []
  let fault: BoxletError | undefined
  const tooMany = (what: string, most: number) => {
    fault ??= invalid(`Expected at most ${most} ${what} in a form but received more.`)
  }
  // RFC 7578, 4.2: every part has one. The parser hands on what has none.
  const checkName = (name: string | undefined) => {
    if (name === undefined || name === '') {
      fault ??= invalid('Expected a name for every part of a form but received a part without one.')
    }
  }
  const limits = {
    parts: maxFiles + MOST_FIELDS,
    files: maxFiles,
    fields: MOST_FIELDS,
    fieldSize: MAX_FIELD_BYTES,
    headerPairs: MAX_PART_HEADERS,
  }
  try {
    const parser = new Busboy({ headers: { 'content-type': contentType }, limits, isPartAFile })
    const finished = once(parser, 'finish')
    // Looked at below; without a handler a fault while pieces are written would end the process.
    finished.catch(() => {})
    parser.on('error', () => {})
    parser.on('file', (name: string | undefined, stream, fileName) => {
      checkName(name)
      const part = { name: name ?? '', fileName, bytes: new Uint8Array(0) }
      parts.push(part)
      const pieces: Uint8Array[] = []
      stream.on('data', (piece: Uint8Array) => pieces.push(piece))
      stream.on('error', (cause) => {
        fault ??= damaged(cause)
      })
      stream.on('end', () => {
        part.bytes = joinBytes(pieces)
      })
    })
    parser.on('field', (name: string | undefined, text, _isNameCut, isCut) => {
      checkName(name)
      if (isCut) {
        tooMany('bytes for a field', MAX_FIELD_BYTES)
      }
      parts.push({ name: name ?? '', text })
    })
    parser.on('partsLimit', () => tooMany('parts', limits.parts))
    parser.on('filesLimit', () => tooMany('files', limits.files))
    parser.on('fieldsLimit', () => tooMany('fields', limits.fields))
    for (let offset = 0; offset < body.byteLength && fault === undefined; offset += PIECE_BYTES) {
      if (!parser.write(body.subarray(offset, offset + PIECE_BYTES))) {
        await Promise.race([once(parser, 'drain'), finished])
      }
      // Others get an answer between the pieces of a large form.
      await setImmediate()
    }
    if (fault === undefined) {
      parser.end()
      await finished
    }
  } catch (cause) {
    fault ??= damaged(cause)
  }
  if (fault !== undefined) {
    throw fault
  }
  return parts.filter(isFilled)
}

/** curl and browsers name a file; some clients name its type alone. */
const isPartAFile = (_field: string | undefined, type: string | undefined, fileName: string | undefined) =>
  fileName !== undefined || /^(image\/|application\/octet-stream)/i.test(type ?? '')

/** Browsers send a file without name and bytes for an input in which none was chosen. */
const isFilled = (part: FormPart): boolean =>
  'text' in part || part.bytes.length > 0 || Boolean(part.fileName)

const damaged = (cause: unknown) =>
  invalid(
    `Expected a well-formed multipart form but received a damaged one: ${(cause as Error).message.slice(0, 100)}.`,
    cause,
  )

const invalid = (message: string, cause?: unknown) => new BoxletError('REQUEST_INVALID', message, { cause })
