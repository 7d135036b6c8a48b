import type { Readable, Writable } from 'node:stream'
import { isRecord } from '../system/record.ts'
import { answer, failure, type McpServer, PARSE_ERROR } from './protocol.ts'

/** One message with a picture in base64; a client that never ends its line must not fill the memory. */
const MOST_CHARACTERS = 64 * 2 ** 20

/** Answers messages, one a line, until the input ends; several may be in work at once. */
export async function serveStdio(
  server: McpServer,
  input: Readable,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const running = new Map<unknown, AbortController>()
  const work = new Set<Promise<void>>()
  const take = async (line: string): Promise<void> => {
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      write(output, failure(null, PARSE_ERROR, 'Expected JSON on one line.'))
      return
    }
    const { id, method, params } = isRecord(message) ? message : {}
    if (method === 'notifications/cancelled' && isRecord(params)) {
      running.get(params.requestId)?.abort()
      return
    }
    const own = new AbortController()
    running.set(id, own)
    try {
      const reply = await answer(message, server, AbortSignal.any([signal, own.signal]))
      // Who has cancelled does not wait for an answer.
      if (reply !== undefined && !own.signal.aborted) {
        write(output, reply)
      }
    } finally {
      running.delete(id)
    }
  }
  for await (const line of linesOf(input, signal)) {
    const taken = take(line).finally(() => work.delete(taken))
    work.add(taken)
  }
  await Promise.all(work)
}

const write = (output: Writable, message: object): void => void output.write(`${JSON.stringify(message)}\n`)

async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<string> {
  const stop = () => input.destroy()
  signal.addEventListener('abort', stop, { once: true })
  // Joined when the line ends: joined as they come, a megabyte in small pieces is copied again for each of them.
  let begun: string[] = []
  let length = 0
  try {
    input.setEncoding('utf8')
    for await (const piece of input as AsyncIterable<string>) {
      const [first = '', ...others] = piece.split('\n')
      begun.push(first)
      length += first.length
      if (length > MOST_CHARACTERS) {
        throw new RangeError(`A message has more than ${MOST_CHARACTERS} characters.`)
      }
      if (others.length > 0) {
        const rest = others.pop()!
        yield* [begun.join(''), ...others].filter((line) => line.trim() !== '')
        begun = [rest]
        length = rest.length
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
