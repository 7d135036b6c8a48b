/**
 * The runtime's side of a Lambda environment: takes events from the Runtime API, calls the handler, posts
 * what came of it. Runs in a child process of its own, started with Lambda's environment; AWS's own
 * aws-lambda-ric can take its place. Imports nothing but Node, so that measured starts are the handler's.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { call, postError } from './api-client.ts'
import { ResponseStream } from './response-stream.ts'

type Handler = (event: unknown, ...rest: unknown[]) => unknown

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HTTP_STREAM_TYPE = 'application/vnd.awslambda.http-integration-response'
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
  if (file === undefined) {
    throw Object.assign(new Error(`Cannot find module '${name.slice(0, dot)}'`), {
      name: 'Runtime.ImportModuleError',
    })
  }
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  const handler = module[name.slice(dot + 1)]
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${name} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    })
  }
  return handler as Handler
}

async function serveOne(handler: Handler): Promise<void> {
  const { message, body } = await call('GET', '/invocation/next')
  const header = (name: string): string => String(message.headers[name] ?? '')
  const requestId = header('lambda-runtime-aws-request-id')
  const deadline = Number(header('lambda-runtime-deadline-ms'))
  const trace = header('lambda-runtime-trace-id')
  if (trace !== '') {
    process.env._X_AMZN_TRACE_ID = trace
  }
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
      if (!stream.writableEnded) {
        stream.end()
      }
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
    if (stream.started) {
      await stream.fail(error)
    } else {
      await postError(`/invocation/${requestId}/error`, error)
    }
  }
}

const handler = await loadHandler().catch(async (error: unknown) => {
  await postError('/init/error', error)
  process.exit(1)
})
for (;;) {
  await serveOne(handler)
}
