/**
 * The Lambda Runtime API, version 2018-06-01, for one environment: hands out events one at a time and takes
 * responses, streams and errors. Source: AWS Lambda developer guide, "Using the Lambda runtime API".
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defined } from '../../system/defined.ts'

/** A synchronous answer or event; beyond it Lambda refuses. 6 MiB and a little room for the envelope. */
export const MAX_PAYLOAD_BYTES = 6 * 2 ** 20 + 100
/** Total of a streamed answer. */
const MAX_STREAM_BYTES = 200 * 2 ** 20
/** Error reports are small; a runaway one must not fill the memory of the host. */
const MAX_ERROR_BYTES = 256 * 2 ** 10

export interface RuntimeError {
  errorType: string
  errorMessage: string
  trace?: string[]
}

export interface Invocation {
  requestId: string
  payload: Uint8Array
  deadline: number
  arn: string
  traceId?: string
}

export type Outcome =
  | { kind: 'response'; payload: Uint8Array; contentType: string; streamed: boolean; error?: RuntimeError }
  | { kind: 'error'; error: RuntimeError }

interface Pending {
  invocation: Invocation
  resolve(outcome: Outcome): void
  onChunk: ((chunk: Uint8Array) => void) | undefined
}

class PayloadTooLarge extends Error {}

async function readBody(
  request: IncomingMessage,
  limit: number,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= limit) {
      chunks.push(chunk)
      onChunk?.(chunk)
    }
  }
  if (bytes > limit) {
    throw new PayloadTooLarge(String(bytes))
  }
  return Buffer.concat(chunks)
}

function parseError(text: string): RuntimeError {
  try {
    const value = JSON.parse(text) as Partial<RuntimeError> | null
    return {
      errorType: String(value?.errorType ?? 'Error'),
      errorMessage: String(value?.errorMessage ?? ''),
      trace: value?.trace ?? [],
    }
  } catch {
    return { errorType: 'Error', errorMessage: text }
  }
}

export class RuntimeApi {
  readonly #server: Server
  #next: ServerResponse | undefined
  #pending: Pending | undefined
  #ready: () => void = () => {}
  #initFailed: (error: RuntimeError) => void = () => {}
  /** Called each time the runtime asks for work: the moment when Lambda freezes an environment. */
  onIdle: () => void = () => {}

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(): Promise<RuntimeApi> {
    const server = createServer()
    // A frozen runtime keeps its long poll open for as long as nobody calls.
    server.requestTimeout = 0
    server.keepAliveTimeout = 0
    const api = new RuntimeApi(server)
    server.on('request', (request, response) => {
      api.#route(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return api
  }

  /** host:port, as AWS_LAMBDA_RUNTIME_API holds it. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Settles once: the runtime asked for its first event, or reported that it cannot start. */
  initialised(): Promise<RuntimeError | undefined> {
    return new Promise((resolve) => {
      this.#ready = () => resolve(undefined)
      this.#initFailed = resolve
    })
  }

  invoke(invocation: Invocation, onChunk?: (chunk: Uint8Array) => void): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#pending = { invocation, resolve, onChunk }
      this.#handOut()
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #handOut(): void {
    const response = this.#next
    const pending = this.#pending
    if (response === undefined || pending === undefined) {
      return
    }
    this.#next = undefined
    const { invocation } = pending
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': String(invocation.deadline),
      'Lambda-Runtime-Invoked-Function-Arn': invocation.arn,
      ...defined({ 'Lambda-Runtime-Trace-Id': invocation.traceId }),
    })
    response.end(invocation.payload)
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.replace(/^\/2018-06-01\/runtime/, '') ?? ''
    if (request.method === 'GET' && path === '/invocation/next') {
      request.resume()
      this.#next = response
      this.#ready()
      if (this.#pending === undefined) {
        this.onIdle()
      } else {
        this.#handOut()
      }
      return
    }
    if (path === '/init/error') {
      this.#initFailed(parseError((await readBody(request, MAX_ERROR_BYTES)).toString('utf8')))
      return accept(response)
    }
    const match = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path)
    const pending = this.#pending
    if (request.method !== 'POST' || match === null) {
      return refuse(response, 404, 'Unknown path')
    }
    if (pending === undefined || match[1] !== pending.invocation.requestId) {
      return refuse(response, 400, 'Unknown request id')
    }
    const outcome =
      match[2] === 'error'
        ? ({
            kind: 'error',
            error: parseError((await readBody(request, MAX_ERROR_BYTES)).toString('utf8')),
          } as const)
        : await takeResponse(request, pending.onChunk)
    this.#pending = undefined
    const tooLarge = outcome.kind === 'error' && outcome.error.errorType === 'Function.ResponseSizeTooLarge'
    if (tooLarge) {
      refuse(response, 413, 'Exceeded maximum allowed payload size')
    } else {
      accept(response)
    }
    pending.resolve(outcome)
  }
}

async function takeResponse(
  request: IncomingMessage,
  onChunk: ((chunk: Uint8Array) => void) | undefined,
): Promise<Outcome> {
  const streamed = request.headers['lambda-runtime-function-response-mode'] === 'streaming'
  const limit = streamed ? MAX_STREAM_BYTES : MAX_PAYLOAD_BYTES
  try {
    const payload = await readBody(request, limit, onChunk)
    const contentType = request.headers['content-type'] ?? 'application/json'
    const failure = request.trailers['lambda-runtime-function-error-body']
    const error =
      typeof failure === 'string'
        ? { error: parseError(Buffer.from(failure, 'base64').toString('utf8')) }
        : {}
    return { kind: 'response', payload, contentType, streamed, ...error }
  } catch (error) {
    if (error instanceof PayloadTooLarge) {
      return {
        kind: 'error',
        error: {
          errorType: 'Function.ResponseSizeTooLarge',
          errorMessage: `Response payload size exceeded maximum allowed payload size (${limit} bytes).`,
        },
      }
    }
    return {
      kind: 'error',
      error: { errorType: 'Runtime.TruncatedResponse', errorMessage: 'The response ended early.' },
    }
  }
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}')
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ errorMessage: message, errorType: 'InvalidRequest' }))
}
