/** Web responses as Lambda takes answers: one JSON value within a size, or a stream. */
import { BoxletError } from '../../errors.ts'

/**
 * The whole answer as JSON: escaped quotes, headers and base64 count, and what is longer Lambda replaces by an
 * error of its own. Source: Lambda quotas, "Invocation payload".
 */
export const MAX_ANSWER_BYTES = 6 * 2 ** 20
/** The same behind a load balancer. Source: Application Load Balancers guide, "Lambda functions as targets". */
export const MAX_BALANCED_ANSWER_BYTES = 2 ** 20
/** A character takes at most six bytes of JSON (`\\u0000`). */
const MOST_BYTES_PER_CHARACTER = 6
/** For headers and the rest of an answer around its body, where that is short enough not to be measured. */
const ENVELOPE_BYTES = 64 * 2 ** 10

/** What `boxlet` answers to HTTP events that are not streamed. */
export interface HttpResult {
  statusCode: number
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  cookies?: string[]
  body: string
  isBase64Encoded: boolean
}

const TEXT = /^(text\/|application\/(.+\+)?json|application\/(javascript|xml|yaml)|image\/svg)/

/** @param multiValue headers as lists, which a load balancer that sends lists insists on */
export async function httpResult(response: Response, multiValue = false): Promise<HttpResult> {
  const { headers, cookies } = responseHead(response)
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = TEXT.test(headers['content-type'] ?? '') && headers['content-encoding'] === undefined
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  return {
    statusCode: response.status,
    ...(multiValue ? { multiValueHeaders: lists } : { headers }),
    ...(cookies.length === 0 ? {} : { cookies }),
    body: bytes.toString(text ? 'utf8' : 'base64'),
    isBase64Encoded: !text,
  }
}

export function responseHead(response: Response): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {}
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') {
      headers[name] = value
    }
  }
  return { headers, cookies: response.headers.getSetCookie() }
}

/** @throws BoxletError REQUEST_TOO_LARGE when Lambda would refuse the answer */
export function checkAnswerSize(answer: unknown, body: string, maxBytes: number): void {
  if (body.length * MOST_BYTES_PER_CHARACTER + ENVELOPE_BYTES <= maxBytes) {
    return
  }
  const bytes = Buffer.byteLength(JSON.stringify(answer))
  if (bytes > maxBytes) {
    throw new BoxletError(
      'REQUEST_TOO_LARGE',
      `Expected an answer of at most ${maxBytes} bytes but it would need ${bytes}.`,
      { hint: 'Ask for image/jpeg, send a smaller picture, or deploy with response streaming.' },
    )
  }
}

/** What a direct caller wants is the document, not HTTP around it. Errors become the function's error. */
export async function directAnswer(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('json')) {
    const text = await response.text()
    const document: unknown = JSON.parse(text)
    if (!response.ok) {
      throw refused(response.status, document)
    }
    checkAnswerSize(document, text, MAX_ANSWER_BYTES)
    return document
  }
  const body = Buffer.from(await response.arrayBuffer()).toString('base64')
  if (!response.ok) {
    throw refused(response.status, {})
  }
  const answer = { contentType: type, body }
  checkAnswerSize(answer, body, MAX_ANSWER_BYTES)
  return answer
}

interface ErrorDocument {
  error?: { code?: string; message?: string; hint?: string }
  /** Rekognition's form. */
  __type?: string
  Message?: string
}

function refused(status: number, document: unknown): Error {
  const { error, __type, Message } = document as ErrorDocument
  return new FunctionError({
    code: error?.code ?? __type ?? `Status${status}`,
    message: error?.message ?? Message ?? '',
    hint: error?.hint,
  })
}

/** What Lambda hands over: a name and a sentence (`errorType`, `errorMessage`), so the hint follows in the sentence. */
export class FunctionError extends Error {
  constructor(error: { code: string; message: string; hint?: string | undefined }) {
    super([error.message, error.hint].filter(Boolean).join(' '))
    this.name = error.code
    // Lambda sends the stack along, which would show paths of the function to its callers.
    this.stack = `${error.code}: ${this.message}`
  }
}

/** Of a stream whose other end went away. */
const GONE = ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE']

/** Sends a body to its end, and stops when nobody is left to take it. */
export async function sendBody(body: unknown, out: NodeJS.WritableStream): Promise<'sent' | 'gone'> {
  // Lambda's stream puts the head before the first write, so an empty body needs one too.
  if (body === null) {
    out.write('')
    out.end()
    return 'sent'
  }
  // Taken when the first answer streams: as an import it would be paid for by every start.
  const { pipeline } = process.getBuiltinModule('node:stream/promises')
  try {
    await pipeline(body as AsyncIterable<Uint8Array>, out)
    return 'sent'
  } catch (error) {
    if (GONE.includes((error as NodeJS.ErrnoException).code ?? '')) {
      return 'gone'
    }
    throw error
  }
}
