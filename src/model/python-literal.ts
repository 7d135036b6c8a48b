import { BoxletError } from '../errors.ts'

/** Names of a model with 10,000 classes take 400 kB; more is not a label list. */
export const MAX_LITERAL_CHARACTERS = 4 * 2 ** 20
/** Real metadata nests two deep; a hostile one must not exhaust the stack. */
export const MAX_LITERAL_DEPTH = 16

export type Literal = string | number | boolean | null | Literal[] | { [key: string]: Literal }

/**
 * Reads what Python's `repr` writes for dicts, lists, tuples, strings, numbers, True, False and None, and
 * therefore JSON as well. Ultralytics keeps `names` and `args` in this form. Nothing is evaluated.
 *
 * @throws BoxletError LABELS_INVALID when the text is not such a literal or passes a limit
 */
export function parsePythonLiteral(text: string): Literal {
  if (text.length > MAX_LITERAL_CHARACTERS) throw invalid(`${text.length} characters`)
  const reader = new LiteralReader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

const invalid = (received: string): BoxletError =>
  new BoxletError(
    'LABELS_INVALID',
    `Expected a Python or JSON literal for the metadata but received ${received}.`,
  )

const WORDS: Record<string, Literal> = {
  True: true,
  true: true,
  False: false,
  false: false,
  None: null,
  null: null,
}
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' }

class LiteralReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Literal {
    if (depth > MAX_LITERAL_DEPTH) throw invalid(`more than ${MAX_LITERAL_DEPTH} levels`)
    this.#space()
    const next = this.#text[this.#at]
    if (next === '{') return this.#dict(depth)
    if (next === '[') return this.#sequence(']', depth)
    if (next === '(') return this.#sequence(')', depth)
    if (next === "'" || next === '"') return this.#string(next)
    return this.#word()
  }

  end(): void {
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected()
  }

  #dict(depth: number): Literal {
    // No prototype, so that a key such as __proto__ is only a key.
    const dict: { [key: string]: Literal } = Object.create(null)
    this.#items('}', () => {
      const key = this.value(depth + 1)
      if (typeof key === 'object' && key !== null) throw this.#unexpected()
      this.#space()
      this.#expect(':')
      dict[String(key)] = this.value(depth + 1)
    })
    return dict
  }

  #sequence(close: string, depth: number): Literal {
    const items: Literal[] = []
    this.#items(close, () => items.push(this.value(depth + 1)))
    return items
  }

  #items(close: string, read: () => void): void {
    this.#at++
    for (;;) {
      this.#space()
      if (this.#text[this.#at] === close) break
      read()
      this.#space()
      if (this.#text[this.#at] === ',') this.#at++
      else if (this.#text[this.#at] !== close) throw this.#unexpected()
    }
    this.#at++
  }

  #string(quote: string): string {
    let out = ''
    for (this.#at++; ; this.#at++) {
      const next = this.#text[this.#at]
      if (next === undefined) throw this.#unexpected()
      if (next === quote) break
      out += next === '\\' ? this.#escape() : next
    }
    this.#at++
    return out
  }

  #escape(): string {
    const kind = this.#text[++this.#at]
    if (kind === undefined) throw this.#unexpected()
    const digits = { x: 2, u: 4, U: 8 }[kind]
    if (digits === undefined) return ESCAPES[kind] ?? kind
    const code = this.#text.slice(this.#at + 1, this.#at + 1 + digits)
    if (!/^[0-9a-fA-F]+$/.test(code) || code.length !== digits) throw this.#unexpected()
    this.#at += digits
    const point = Number.parseInt(code, 16)
    if (point > 0x10_ff_ff) throw this.#unexpected()
    return String.fromCodePoint(point)
  }

  #word(): Literal {
    const word = /^[-+.\w]+/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0]
    if (word === undefined) throw this.#unexpected()
    const value = Object.hasOwn(WORDS, word) ? WORDS[word]! : Number(word)
    if (Number.isNaN(value)) throw this.#unexpected()
    this.#at += word.length
    return value
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#unexpected()
    this.#at++
  }

  #unexpected(): BoxletError {
    const found = this.#text[this.#at]
    return invalid(found === undefined ? 'a text that ends early' : `"${found}" at character ${this.#at}`)
  }
}
