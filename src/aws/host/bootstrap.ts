/**
 * The runtime's side of a Lambda environment: takes events from the Runtime API, calls the handler, posts
 * what came of it. Runs in a child process of its own, started with Lambda's environment; AWS's own
 * aws-lambda-ric can take its place. Imports nothing but Node, so that measured starts are the handler's.
 */
import { existsSync } from 'node:fs'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

// As AWS's own client does: an import of node:http reads all that it exports, and with that loads fetch, HTTP/2
// and TLS, which is 20 ms of every start.
const { Agent, request } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

type Handler = (event: unknown, ...rest: unknown[]) => unknown

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HTTP_STREAM_TYPE = 'application/vnd.awslambda.http-integration-response'
/** Parts the JSON head of a streamed HTTP answer from its body. */
const PRELUDE_END = new Uint8Array(8)

const [host, port] = (process.env.AWS_LAMBDA_RUNTIME_API ?? '').split(':')
const agent = new Agent({ keepAlive: true, maxSockets: 2 })
const PATH = '/2018-06-01/runtime'

function call(
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string,
): Promise<{ message: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, agent, method, path: PATH + path, headers }, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('end', () => resolve({ message, body: Buffer.concat(chunks).toString('utf8') }))
      message.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function describeError(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (error instanceof Error)
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}

const postError = (path: string, error: unknown): Promise<unknown> => {
  const described = describeError(error)
  return call(
    'POST',
    path,
    { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': described.errorType },
    JSON.stringify(described),
  )
}

/** The writable that a streaming handler gets; the request to the host opens with the first byte. */
class ResponseStream extends Writable {
  readonly #path: string
  #contentType = 'application/octet-stream'
  #request: ReturnType<typeof request> | undefined
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

  #open(): ReturnType<typeof request> {
    if (this.#request !== undefined) return this.#request
    const sent = request({
      host,
      port,
      agent,
      method: 'POST',
      path: PATH + this.#path,
      headers: {
        'Content-Type': this.#contentType,
        'Transfer-Encoding': 'chunked',
        'Lambda-Runtime-Function-Response-Mode': 'streaming',
        Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      },
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

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: Handler) => Object.assign(handler, { [STREAMING]: 'response' }),
    HttpResponseStream: {
      from(stream: ResponseStream, head: unknown): ResponseStream {
        stream.setContentType(HTTP_STREAM_TYPE)
        stream.setHead(head)
        return stream
      },
    },
  },
})

async function loadHandler(): Promise<Handler> {
  const name = process.env._HANDLER ?? ''
  const dot = name.lastIndexOf('.')
  const root = process.env.LAMBDA_TASK_ROOT ?? process.cwd()
  const file = ['.mjs', '.js', '.cjs']
    .map((extension) => join(root, name.slice(0, dot) + extension))
    .find(existsSync)
  if (file === undefined)
    throw Object.assign(new Error(`Cannot find module '${name.slice(0, dot)}'`), {
      name: 'Runtime.ImportModuleError',
    })
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  const handler = module[name.slice(dot + 1)]
  if (typeof handler !== 'function')
    throw Object.assign(new Error(`${name} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    })
  return handler as Handler
}

async function serveOne(handler: Handler): Promise<void> {
  const { message, body } = await call('GET', '/invocation/next')
  const header = (name: string): string => String(message.headers[name] ?? '')
  const requestId = header('lambda-runtime-aws-request-id')
  const deadline = Number(header('lambda-runtime-deadline-ms'))
  const trace = header('lambda-runtime-trace-id')
  if (trace !== '') process.env._X_AMZN_TRACE_ID = trace
  const context = {
    awsRequestId: requestId,
    invokedFunctionArn: header('lambda-runtime-invoked-function-arn'),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  }
  const answer = `/invocation/${requestId}/response`
  const stream = new ResponseStream(answer)
  try {
    const event: unknown = JSON.parse(body)
    if (STREAMING in handler) {
      await handler(event, stream, context)
      if (!stream.writableEnded) stream.end()
      await finished(stream)
    } else {
      const result = await handler(event, context)
      await call(
        'POST',
        answer,
        { 'Content-Type': 'application/json' },
        result === undefined ? 'null' : JSON.stringify(result),
      )
    }
  } catch (error) {
    if (stream.started) await stream.fail(error)
    else await postError(`/invocation/${requestId}/error`, error)
  }
}

const handler = await loadHandler().catch(async (error: unknown) => {
  await postError('/init/error', error)
  process.exit(1)
})
for (;;) await serveOne(handler)
