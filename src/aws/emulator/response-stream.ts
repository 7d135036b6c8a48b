import type { ClientRequest } from 'node:http'
import { Writable } from 'node:stream'
import { describeError, open } from './api-client.ts'

/** Parts the JSON head of a streamed HTTP answer from its body. */
const PRELUDE_END = new Uint8Array(8)

/** The writable that a streaming handler gets; the request to the host opens with the first byte. */
export class ResponseStream extends Writable {
  readonly #path: string
  #contentType = 'application/octet-stream'
  #request: ClientRequest | undefined
  #answered: Promise<void> = Promise.resolve()
  #head: string | undefined

  constructor(path: string) {
    super({ highWaterMark: 65_536 })
    this.#path = path
  }

  setContentType(type: string): void {
    this.#contentType = type
  }

  /** Goes out with the first write and not before, as in AWS's client: an answer that is only ended has none. */
  setHead(head: unknown): void {
    this.#head = JSON.stringify(head)
  }

  override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    const head = this.#head
    this.#head = undefined
    if (head !== undefined) {
      super.write(head)
      super.write(PRELUDE_END)
    }
    return super.write(chunk, encoding as BufferEncoding, done as () => void)
  }

  #open(): ClientRequest {
    if (this.#request !== undefined) {
      return this.#request
    }
    const sent = open('POST', this.#path, {
      'Content-Type': this.#contentType,
      'Transfer-Encoding': 'chunked',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    })
    this.#answered = new Promise((resolve, reject) => {
      sent.on('response', (message) => message.resume().on('end', resolve))
      sent.on('error', reject)
    })
    this.#request = sent
    return sent
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#open().write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#open().end()
    this.#answered.then(() => done(), done)
  }

  /** Ends an answer whose head has gone out already, with the error in the trailers. */
  async fail(error: unknown): Promise<void> {
    const described = describeError(error)
    const sent = this.#open()
    sent.addTrailers({
      'Lambda-Runtime-Function-Error-Type': described.errorType,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(described)).toString('base64'),
    })
    sent.end()
    await this.#answered
  }

  get started(): boolean {
    return this.#request !== undefined
  }
}
