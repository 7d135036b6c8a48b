import { BoxletError } from '../errors.ts'

/** What a JSON body may hold, told from its bytes before anything is made of them. */
export interface JsonBounds {
  /** Lists and objects inside each other. */
  depth: number
  /** Numbers, texts, names, lists, objects and the words true, false and null together. */
  values: number
  /** Bytes outside of texts: numbers, signs and blanks. */
  plainBytes: number
}

/**
 * A detect request has a picture, or a list of them, and a handful of options; a list of classes is its longest part.
 * JSON.parse takes a second and 100 bytes each for millions of values, and holds the thread meanwhile.
 */
export const REQUEST_BOUNDS: JsonBounds = { depth: 16, values: 10_000, plainBytes: 2 ** 20 }

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = [0x5b, 0x7b]
const CLOSE = [0x5d, 0x7d]
const COMMA = 0x2c
const COLON = 0x3a

/**
 * Counts nesting and values, and stops at the first beyond its bound, so that the time for what is refused is bounded
 * too. Texts, which hold the pictures, are passed over by the system's own search. What is no JSON is left to the
 * parser.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function checkJsonBounds(bytes: Uint8Array, most: JsonBounds): void {
  let depth = 0
  let values = 1
  let plainBytes = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (++plainBytes > most.plainBytes) {
      throw beyond(`${most.plainBytes} bytes outside of texts`)
    }
    if (byte === QUOTE) {
      const end = endOfText(bytes, i + 1, most.values - values)
      values += end.quotes
      i = end.index
    } else if (OPEN.includes(byte)) {
      depth++
      values++
    } else if (CLOSE.includes(byte)) {
      depth--
    } else if (byte === COMMA || byte === COLON) {
      values++
    } else {
      continue
    }
    if (depth > most.depth) {
      throw beyond(`${most.depth} levels of lists and objects`)
    }
    if (values > most.values) {
      throw beyond(`${most.values} values`)
    }
  }
}

/** Where a text ends. Quotes within it are counted like values, since each stops the search. */
function endOfText(bytes: Uint8Array, start: number, most: number): { index: number; quotes: number } {
  let quotes = 0
  let from = start
  while (quotes <= most) {
    const quote = bytes.indexOf(QUOTE, from)
    if (quote < 0) {
      return { index: bytes.length, quotes }
    }
    let slashes = 0
    while (slashes < quote - start && bytes[quote - 1 - slashes] === BACKSLASH) {
      slashes++
    }
    if (slashes % 2 === 0) {
      return { index: quote, quotes }
    }
    quotes++
    from = quote + 1
  }
  return { index: from, quotes }
}

const beyond = (bound: string) =>
  new BoxletError('REQUEST_INVALID', `Expected at most ${bound} in a JSON body but received more.`, {
    hint: 'Send several requests, or a picture as the body itself.',
  })
