/** Calls of the Runtime API, from inside the process of a function. */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'

// As AWS's own client does: an import of node:http reads all that it exports, and with that loads fetch, HTTP/2
// and TLS, which is 20 ms of every start.
const { Agent, request } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

const [host, port] = (process.env.AWS_LAMBDA_RUNTIME_API ?? '').split(':')
const agent = new Agent({ keepAlive: true, maxSockets: 2 })
const PATH = '/2018-06-01/runtime'

/** A request that the caller writes and ends. */
export const open = (
  method: string,
  path: string,
  headers: OutgoingHttpHeaders,
  answered?: (message: IncomingMessage) => void,
): ClientRequest => request({ host, port, agent, method, path: PATH + path, headers }, answered)

/** One exchange with the Runtime API. */
export function call(
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string,
): Promise<{ message: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = open(method, path, headers, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('end', () => resolve({ message, body: Buffer.concat(chunks).toString('utf8') }))
      message.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export function describeError(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}

export const postError = (path: string, error: unknown): Promise<unknown> => {
  const described = describeError(error)
  return call(
    'POST',
    path,
    { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': described.errorType },
    JSON.stringify(described),
  )
}
