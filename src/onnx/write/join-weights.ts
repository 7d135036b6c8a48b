import { BoxletError } from '../../errors.ts'
import { Cursor, corrupt, viewOf } from '../read/cursor.ts'
import { typeBits } from '../types.ts'
import { MessageWriter } from './message-writer.ts'

/** Fields of GraphProto and ModelProto. */
const INITIALIZER = 5
const GRAPH = 7
/** Fields of TensorProto. */
const DIMS = 1
const TYPE = 2
const RAW = 9
const EXTERNAL_DATA = 13
const LOCATION = 14
/** A reference is a location, an offset, a length and a checksum, and its texts are short. */
const MAX_ENTRIES = 16
const MAX_ENTRY_BYTES = 4_096

interface Reference {
  location: string
  offset: number
  length: number | undefined
}

/**
 * Names of the files that hold weights of this one, as it gives them: each once, unchecked. Empty for most files,
 * and after less than a millisecond, as weights are stepped over.
 *
 * @throws BoxletError MODEL_CORRUPT as `readOnnx`
 */
export function weightFiles(bytes: Uint8Array): string[] {
  const found = new Set<string>()
  eachInitializer(bytes, (_, tensor) => {
    const reference = referenceOf(tensor)
    if (reference !== undefined) {
      found.add(reference.location)
    }
  })
  return [...found]
}

/**
 * The same model with all weights inside.
 *
 * @param files content of each file that `weightFiles` names
 * @throws BoxletError MODEL_CORRUPT for a reference past the end of its file, or of another length than its tensor
 */
export function joinWeights(bytes: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const graph = new MessageWriter()
  eachInitializer(
    bytes,
    (field, tensor) => {
      const reference = referenceOf(tensor)
      if (reference === undefined) {
        graph.raw(field)
        return
      }
      const data = valuesOf(reference, tensor, files.get(reference.location))
      graph.message(INITIALIZER, (inner) => {
        eachField(tensor, (number, whole) => {
          if (number !== EXTERNAL_DATA && number !== LOCATION && number !== RAW) {
            inner.raw(whole)
          }
        })
        inner.bytes(RAW, data)
      })
    },
    (other) => graph.raw(other),
  )
  const model = new MessageWriter()
  eachField(new Cursor(viewOf(bytes)), (field, whole) => {
    if (field === GRAPH) {
      model.append(GRAPH, graph)
    } else {
      model.raw(whole)
    }
  })
  return model.finish()
}

/** From the beginning of the same message. */
const again = ({ bytes, start, end }: Cursor): Cursor => new Cursor(bytes, start, end)

/** Calls `take` with number and bytes of each field, and leaves the cursor where it was. */
function eachField(message: Cursor, take: (field: number, whole: Uint8Array) => void): void {
  const at = again(message)
  for (let from = at.at, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    at.skip()
    take(field, at.bytes.subarray(from, at.at))
  }
}

function eachInitializer(
  bytes: Uint8Array,
  take: (whole: Uint8Array, tensor: Cursor) => void,
  others?: (whole: Uint8Array) => void,
): void {
  const model = new Cursor(viewOf(bytes))
  for (let field = model.field(); field !== 0; field = model.field()) {
    if (field !== GRAPH) {
      model.skip()
      continue
    }
    const graph = model.message()
    for (let from = graph.at, inner = graph.field(); inner !== 0; from = graph.at, inner = graph.field()) {
      if (inner === INITIALIZER) {
        const tensor = graph.message()
        take(graph.bytes.subarray(from, graph.at), tensor)
      } else {
        graph.skip()
        others?.(graph.bytes.subarray(from, graph.at))
      }
    }
  }
}

/** Where the values of a tensor are, when they are elsewhere. */
function referenceOf(tensor: Cursor): Reference | undefined {
  const at = again(tensor)
  const entries = new Map<string, string>()
  let isExternal = false
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === LOCATION) {
      isExternal = at.number() !== 0
    } else if (field === EXTERNAL_DATA && entries.size < MAX_ENTRIES) {
      const entry = at.message()
      const texts = ['', '']
      for (let part = entry.field(); part !== 0; part = entry.field()) {
        if (part === 1 || part === 2) {
          texts[part - 1] = entry.text(MAX_ENTRY_BYTES, 'reference')
        } else {
          entry.skip()
        }
      }
      entries.set(texts[0]!, texts[1]!)
    } else {
      at.skip()
    }
  }
  const location = entries.get('location')
  if (!isExternal || location === undefined) {
    return undefined
  }
  const length = entries.get('length')
  return {
    location,
    offset: whole(entries.get('offset') ?? '0', 'offset'),
    length: length === undefined ? undefined : whole(length, 'length'),
  }
}

function whole(text: string, what: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw corrupt(`the ${what} of weights in another file is "${text.slice(0, 40)}"`)
  }
  return Number(text)
}

function valuesOf(
  { location, offset, length }: Reference,
  tensor: Cursor,
  file: Uint8Array | undefined,
): Uint8Array {
  if (file === undefined) {
    throw new BoxletError('INTERNAL', `Expected the bytes of "${location}" but received none.`)
  }
  const needed = bytesOf(tensor)
  if (length !== undefined && length !== needed) {
    throw corrupt(`a tensor of ${needed} bytes refers to ${length} bytes in another file`)
  }
  if (offset + needed > file.length) {
    throw corrupt(`a tensor ends at ${offset + needed} of the ${file.length} bytes of "${location}"`)
  }
  return file.subarray(offset, offset + needed)
}

function bytesOf(tensor: Cursor): number {
  const at = again(tensor)
  let elements = 1
  let bits: number | undefined
  const multiply = (size: number) => {
    elements *= size
  }
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (field === DIMS && at.wire === 2) {
      const packed = at.message()
      while (packed.at < packed.end) {
        multiply(packed.varintSigned())
      }
    } else if (field === DIMS) {
      multiply(at.varintSigned())
    } else if (field === TYPE) {
      bits = typeBits(at.number())
    } else {
      at.skip()
    }
  }
  if (bits === undefined || !(elements >= 0) || !Number.isSafeInteger(elements)) {
    throw corrupt('weights in another file are of no known type or size')
  }
  return Math.ceil((elements * bits) / 8)
}
