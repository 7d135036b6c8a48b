import { BoxletError } from '../../errors.ts'

/** What a Python literal can hold; tuples and sets become arrays, dicts keep their order and key types. */
export type PythonValue = null | boolean | number | string | PythonValue[] | PythonDict
export type PythonDict = Map<string | number | boolean | null, PythonValue>

/** Names of 10,000 classes take about 400 kB. */
const MAX_TEXT_LENGTH = 4 * 2 ** 20
/** Exporters nest two deep; the reader calls itself. */
const MAX_DEPTH = 32
/** Entries over all containers. */
const MAX_ENTRIES = 250_000

/**
 * Reads a Python literal as `repr` writes it, the form in which Ultralytics keeps `names`, `imgsz` and `args`:
 * `{0: 'person', 1: "men's shoe"}`. JSON is read as well. Nothing is evaluated.
 *
 * @throws BoxletError LABELS_INVALID with the position where the text stops being a literal
 */
export function parsePythonLiteral(text: string): PythonValue {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new BoxletError(
      'LABELS_INVALID',
      `Expected at most ${MAX_TEXT_LENGTH} characters for a Python literal but received ${text.length}.`,
    )
  }
  const reader = new LiteralReader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

const SPACE = /[\s\\]*/y
const NUMBER = /[+-]?(?:0[xX][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y
const WORD = /-?[A-Za-z]+/y
const STRING_PREFIX = /[bBuUrR]{0,2}(?=['"])/y

const WORDS: Record<string, PythonValue> = {
  None: null,
  null: null,
  True: true,
  true: true,
  False: false,
  false: false,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
}

const CLOSING: Record<string, string> = { '[': ']', '(': ')', '{': '}' }

class LiteralReader {
  readonly #text: string
  #at = 0
  #entries = 0

  constructor(text: string) {
    this.#text = text
  }

  end(): void {
    this.#match(SPACE)
    if (this.#at < this.#text.length) {
      throw this.#unexpected('the end')
    }
  }

  value(depth: number): PythonValue {
    if (depth > MAX_DEPTH) {
      throw this.#unexpected(`at most ${MAX_DEPTH} brackets inside each other`)
    }
    this.#match(SPACE)
    const next = this.#text[this.#at] ?? ''
    if (next === '{') {
      return this.#dict(depth)
    }
    if (next === '[' || next === '(') {
      return this.#list(next, depth)
    }
    const prefix = this.#match(STRING_PREFIX)
    if (prefix !== undefined) {
      return this.#strings(prefix)
    }
    const number = this.#match(NUMBER)
    if (number !== undefined) {
      return Number(number.replaceAll('_', ''))
    }
    const start = this.#at
    const word = this.#match(WORD) ?? ''
    if (Object.hasOwn(WORDS, word)) {
      return WORDS[word] as PythonValue
    }
    this.#at = start
    throw this.#unexpected('a string, number, list or dict')
  }

  /** A dict, or a set, which has no colons. */
  #dict(depth: number): PythonDict | PythonValue[] {
    this.#at++
    const dict: PythonDict = new Map()
    const set: PythonValue[] = []
    while (!this.#take('}')) {
      const key = this.value(depth + 1)
      if (this.#take(':')) {
        if (typeof key === 'object' && key !== null) {
          throw this.#unexpected('a plain key')
        }
        dict.set(key, this.value(depth + 1))
      } else {
        set.push(key)
      }
      this.#separator('}')
    }
    if (set.length > 0 && dict.size > 0) {
      throw this.#unexpected('a dict or a set')
    }
    return set.length > 0 ? set : dict
  }

  /** A list or tuple. Brackets round a single value are brackets only, as in Python. */
  #list(open: string, depth: number): PythonValue {
    this.#at++
    const close = CLOSING[open] as string
    const list: PythonValue[] = []
    let commas = 0
    while (!this.#take(close)) {
      list.push(this.value(depth + 1))
      if (this.#separator(close)) {
        commas++
      }
    }
    return open === '(' && list.length === 1 && commas === 0 ? (list[0] as PythonValue) : list
  }

  #separator(close: string): boolean {
    if (++this.#entries > MAX_ENTRIES) {
      throw this.#unexpected(`at most ${MAX_ENTRIES} entries`)
    }
    if (this.#take(',')) {
      return true
    }
    this.#match(SPACE)
    if (this.#text[this.#at] !== close) {
      throw this.#unexpected(`"," or "${close}"`)
    }
    return false
  }

  /** One string, or several side by side, which Python joins. */
  #strings(prefix: string): string {
    let result = this.#string(prefix)
    for (;;) {
      this.#match(SPACE)
      const next = this.#match(STRING_PREFIX)
      if (next === undefined) {
        return result
      }
      result += this.#string(next)
    }
  }

  #string(prefix: string): string {
    const text = this.#text
    const raw = /r/i.test(prefix)
    const start = this.#at
    const quote = text[this.#at++]
    const parts: string[] = []
    let from = this.#at
    for (;;) {
      const char = text[this.#at]
      if (char === undefined || char === '\n') {
        this.#at = start
        throw this.#unexpected('a string that ends')
      }
      if (char === quote) {
        break
      }
      if (char === '\\' && !raw) {
        parts.push(text.slice(from, this.#at), this.#escape())
        from = this.#at
      } else {
        this.#at += char === '\\' ? 2 : 1
      }
    }
    parts.push(text.slice(from, this.#at))
    this.#at++
    return parts.join('')
  }

  #escape(): string {
    const coded = this.#match(CODED)
    if (coded !== undefined) {
      const digits = coded.slice(/[xuU]/.test(coded[1] as string) ? 2 : 1)
      const code = Number.parseInt(digits, digits.length === coded.length - 1 ? 8 : 16)
      if (code > 0x10ffff) {
        throw this.#unexpected('a character code')
      }
      return String.fromCodePoint(code)
    }
    const char = this.#text[this.#at + 1]
    if (char === undefined) {
      throw this.#unexpected('a string that ends')
    }
    this.#at += 2
    // Python keeps the backslash of an escape that it does not know.
    return SIMPLE[char] ?? `\\${char}`
  }

  #take(char: string): boolean {
    this.#match(SPACE)
    if (this.#text[this.#at] !== char) {
      return false
    }
    this.#at++
    return true
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) {
      this.#at += found.length
    }
    return found
  }

  #unexpected(wanted: string): BoxletError {
    const rest = this.#text.slice(this.#at, this.#at + 12)
    return new BoxletError(
      'LABELS_INVALID',
      `Expected ${wanted} at character ${this.#at} of a Python literal but received ${rest === '' ? 'the end' : JSON.stringify(rest)}.`,
    )
  }
}

/** Escapes by character code: `\x41`, `\u00e9`, `\U0001f600` and octal `\101`. */
const CODED = /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3})/y

const SIMPLE: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '/': '/', // JSON only
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
}
