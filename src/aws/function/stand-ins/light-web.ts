/**
 * Headers, Request and Response for one function: what the application and its router use of them, over bytes
 * that are in memory anyway. Node loads its own, with all of fetch, only at their first use, and that takes 35 ms
 * of every cold start. Whatever is not offered here goes to Node's.
 */

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** A line break in a value would let a caller write headers of its own. */
const FORBIDDEN = /[\0\r\n]/

type HeaderInit = Iterable<readonly [string, string]> | Record<string, string> | undefined | null

export class LightHeaders implements Iterable<[string, string]> {
  readonly #values = new Map<string, string[]>()

  constructor(init?: HeaderInit) {
    if (init === undefined || init === null) {
      return
    }
    const entries =
      Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init)
    for (const [name, value] of entries) {
      this.append(name, value)
    }
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase())?.join(', ') ?? null
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  set(name: string, value: string): void {
    this.#values.set(checkedName(name), [checkedValue(value)])
  }

  append(name: string, value: string): void {
    const key = checkedName(name)
    this.#values.set(key, [...(this.#values.get(key) ?? []), checkedValue(value)])
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase())
  }

  getSetCookie(): string[] {
    return [...(this.#values.get('set-cookie') ?? [])]
  }

  forEach(each: (value: string, name: string, headers: LightHeaders) => void): void {
    for (const [name, value] of this) {
      each(value, name, this)
    }
  }

  /** Sorted by name, cookies one by one, as the standard has it. */
  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name)!
      if (name === 'set-cookie') {
        for (const value of values) {
          yield [name, value]
        }
      } else {
        yield [name, values.join(', ')]
      }
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) {
      yield name
    }
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) {
      yield value
    }
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries()
  }
}

function checkedName(name: string): string {
  const lower = String(name).toLowerCase()
  if (!NAME.test(lower)) {
    throw new TypeError('Invalid header name')
  }
  return lower
}

function checkedValue(value: string): string {
  const text = String(value).trim()
  if (FORBIDDEN.test(text)) {
    throw new TypeError('Invalid header value')
  }
  return text
}

type Payload = string | Uint8Array | ArrayBuffer | AsyncIterable<Uint8Array> | LightBody

/** The bytes of a message: one piece, or as they come. */
export class LightBody implements AsyncIterable<Uint8Array> {
  readonly #payload: Exclude<Payload, LightBody>
  used = false

  constructor(payload: Exclude<Payload, LightBody>) {
    this.#payload = payload
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.used) {
      throw new TypeError('Body has already been read')
    }
    this.used = true
    const payload = this.#payload
    if (typeof payload === 'string') {
      yield Buffer.from(payload, 'utf8')
    } else if (payload instanceof Uint8Array) {
      yield payload
    } else if (payload instanceof ArrayBuffer) {
      yield new Uint8Array(payload)
    } else {
      yield* payload
    }
  }

  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this) {
      pieces.push(piece)
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }
}

abstract class Message {
  abstract readonly headers: LightHeaders
  readonly body: LightBody | null

  constructor(body: Payload | null | undefined) {
    this.body =
      body === null || body === undefined ? null : body instanceof LightBody ? body : new LightBody(body)
  }

  get bodyUsed(): boolean {
    return this.body?.used ?? false
  }

  async bytes(): Promise<Uint8Array> {
    return (await this.body?.bytes()) ?? new Uint8Array()
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }

  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString('utf8')
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  /** Forms are rare and their parser is long: Node's own reads them. */
  async formData(): Promise<FormData> {
    const headers = { 'content-type': this.headers.get('content-type') ?? '' }
    const NodeResponse = (await fetch('data:,')).constructor as typeof Response
    return new NodeResponse((await this.bytes()) as Uint8Array<ArrayBuffer>, { headers }).formData()
  }
}

interface ResponseOptions {
  status?: number
  statusText?: string
  headers?: HeaderInit
}

export class LightResponse extends Message {
  readonly status: number
  readonly statusText: string
  readonly headers: LightHeaders

  constructor(body?: Payload | null, { status = 200, statusText = '', headers }: ResponseOptions = {}) {
    super(body)
    this.status = status
    this.statusText = statusText
    this.headers = new LightHeaders(headers)
    if (typeof body === 'string' && !this.headers.has('content-type')) {
      this.headers.set('content-type', 'text/plain;charset=UTF-8')
    }
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  static json(value: unknown, options: ResponseOptions = {}): LightResponse {
    const response = new LightResponse(JSON.stringify(value), options)
    if (!new LightHeaders(options.headers).has('content-type')) {
      response.headers.set('content-type', 'application/json')
    }
    return response
  }
}

interface RequestOptions {
  method?: string
  headers?: HeaderInit
  body?: Payload | null
  signal?: AbortSignal
}

export class LightRequest extends Message {
  readonly url: string
  readonly method: string
  readonly headers: LightHeaders
  readonly signal: AbortSignal

  constructor(url: string | URL, { method = 'GET', headers, body, signal }: RequestOptions = {}) {
    super(body)
    this.url = new URL(url).href
    this.method = method.toUpperCase()
    this.headers = new LightHeaders(headers)
    this.signal = signal ?? new AbortController().signal
  }
}

/**
 * Puts the light classes in the place of Node's. By assignment: to define or to look at these properties would
 * load what they stand for.
 */
export function useLightWeb(): void {
  Object.assign(globalThis, { Headers: LightHeaders, Request: LightRequest, Response: LightResponse })
}
