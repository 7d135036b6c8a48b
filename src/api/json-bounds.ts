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
 * Counts nesting and values of a body whose pieces are told in their order, and stops at the first beyond its bound, so
 * that neither memory nor time goes into what is refused. Texts, which hold the pictures, are passed over by the system's
 * own search. What is no JSON is left to the parser.
 */
export class JsonCount {
  readonly #most: JsonBounds
  #depth = 0
  #values = 1
  #plainBytes = 0
  #isText = false
  /** Backslashes at the end of the piece before, within a text. */
  #slashes = 0

  constructor(most: JsonBounds) {
    this.#most = most
  }

  /** @throws BoxletError REQUEST_INVALID */
  add(bytes: Uint8Array): void {
    let i = this.#isText ? this.#endOfText(bytes, 0) : 0
    for (; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (++this.#plainBytes > this.#most.plainBytes) {
        throw beyond(`${this.#most.plainBytes} bytes outside of texts`)
      }
      if (byte === QUOTE) {
        this.#isText = true
        i = this.#endOfText(bytes, i + 1) - 1
      } else if (OPEN.includes(byte)) {
        this.#depth++
        this.#countValue()
      } else if (CLOSE.includes(byte)) {
        this.#depth--
      } else if (byte === COMMA || byte === COLON) {
        this.#countValue()
      } else {
        continue
      }
      if (this.#depth > this.#most.depth) {
        throw beyond(`${this.#most.depth} levels of lists and objects`)
      }
    }
  }

  #countValue(): void {
    if (++this.#values > this.#most.values) {
      throw beyond(`${this.#most.values} values`)
    }
  }

  /** Where what follows a text begins. Quotes within it count like values, since each stops the search. */
  #endOfText(bytes: Uint8Array, start: number): number {
    let from = start
    for (;;) {
      const quote = bytes.indexOf(QUOTE, from)
      const end = quote < 0 ? bytes.length : quote
      let slashes = 0
      while (slashes < end - from && bytes[end - 1 - slashes] === BACKSLASH) {
        slashes++
      }
      // Nothing but backslashes since this piece began: those of the one before are in the same row.
      if (from === 0 && slashes === end) {
        slashes += this.#slashes
      }
      if (quote < 0) {
        this.#slashes = slashes % 2
        return bytes.length
      }
      this.#slashes = 0
      if (slashes % 2 === 0) {
        this.#isText = false
        return quote + 1
      }
      this.#countValue()
      from = quote + 1
    }
  }
}

/**
 * The same for a body that is there as a whole.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export const checkJsonBounds = (bytes: Uint8Array, most: JsonBounds): void => new JsonCount(most).add(bytes)

const beyond = (bound: string) =>
  new BoxletError('REQUEST_INVALID', `Expected at most ${bound} in a JSON body but received more.`, {
    hint: 'Send several requests, or a picture as the body itself.',
  })
