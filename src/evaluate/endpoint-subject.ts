import { setTimeout as sleep } from 'node:timers/promises'
import type { DetectOptions, DetectResult, ImageInput } from '../detector/types.ts'
import { BoxletError, ERROR_CODES, type ErrorCode } from '../errors.ts'
import { readBounded } from '../system/bytes.ts'
import type { Subject } from './subject.ts'

/** A deployed service answers in under a minute, or its gateway has given up already. */
const TIMEOUT_MS = 60_000
/** Tries for answers that ask to come again: 429, 502, 503, 504 and broken connections. */
const TRIES = 5
const FIRST_PAUSE_MS = 500
/** The largest answer read: 100,000 boxes of 200 bytes. */
const MAX_ANSWER_BYTES = 32 * 2 ** 20

export interface EndpointOptions {
  /** Base address of a Boxlet service, e.g. `https://abc.lambda-url.eu-west-1.on.aws`. */
  url: string
  /** Sent as `authorization: Bearer …`. */
  apiKey?: string
  /** Requests at once. */
  inFlight?: number
}

/** A deployed Boxlet service, asked over `POST /v1/detect`. Times are those that a client sees. */
export function openEndpoint({ url, apiKey, inFlight = 4 }: EndpointOptions): Subject {
  const base = parseUrl(url)
  return {
    info: { name: base.host, kind: 'endpoint' },
    labels: [],
    inFlight,
    jobs: inFlight,
    cacheKey: () => undefined,
    detect: (image, options) => detect(base, apiKey, image, options),
    async [Symbol.asyncDispose]() {},
  }
}

function parseUrl(url: string): URL {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (cause) {
    throw new BoxletError(
      'USAGE',
      `Expected an http or https address for --endpoint but received "${url}".`,
      { cause },
    )
  }
  if (!['http:', 'https:'].includes(parsed.protocol)) {
    throw new BoxletError('USAGE', `Expected an http or https address for --endpoint but received "${url}".`)
  }
  parsed.pathname = parsed.pathname.replace(/\/+(v1(\/detect)?\/?)?$/, '')
  return parsed
}

async function detect(
  base: URL,
  apiKey: string | undefined,
  image: ImageInput,
  options: DetectOptions,
): Promise<DetectResult> {
  if (!(image instanceof Uint8Array)) {
    throw new BoxletError('INTERNAL', 'Expected encoded bytes for a service.')
  }
  const address = new URL(base)
  address.pathname = `${base.pathname.replace(/\/$/, '')}/v1/detect`
  for (const name of ['minScore', 'iou', 'maxDetections'] as const) {
    if (options[name] !== undefined) {
      address.searchParams.set(name, String(options[name]))
    }
  }
  const start = performance.now()
  const response = await post(address, apiKey, image, options.signal)
  const answer = await readAnswer(response)
  const total = performance.now() - start
  if (!response.ok) {
    throw serviceError(response.status, answer)
  }
  return parseAnswer(answer, total)
}

async function post(
  address: URL,
  apiKey: string | undefined,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          'content-type': 'application/octet-stream',
          accept: 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: body as Uint8Array<ArrayBuffer>,
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      if (attempt === TRIES || ![429, 502, 503, 504].includes(response.status)) {
        return response
      }
      await response.body?.cancel()
      await pause(attempt, Number(response.headers.get('retry-after')), signal)
    } catch (cause) {
      if (signal?.aborted) {
        throw new BoxletError('ABORTED', 'Expected the work to finish but it was cancelled.', { cause })
      }
      if (attempt === TRIES) {
        throw new BoxletError('URL_FAILED', `Expected an answer from ${address.host} but none came.`, {
          cause,
          hint: 'Check the address with: curl ADDRESS/healthz',
        })
      }
      await pause(attempt, Number.NaN, signal)
    }
  }
}

async function pause(attempt: number, asked: number, signal: AbortSignal | undefined): Promise<void> {
  const milliseconds = asked > 0 ? Math.min(asked * 1000, TIMEOUT_MS) : FIRST_PAUSE_MS * 2 ** (attempt - 1)
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {})
}

async function readAnswer(response: Response): Promise<unknown> {
  const bytes = await readBounded(
    (response.body ?? []) as AsyncIterable<Uint8Array>,
    MAX_ANSWER_BYTES,
    () =>
      new BoxletError(
        'URL_FAILED',
        `Expected at most ${MAX_ANSWER_BYTES} bytes from the service but received more.`,
      ),
  )
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Faults of the picture keep their code, so that they are listed like those of a local run. */
function serviceError(status: number, answer: unknown): BoxletError {
  const error = fieldsOf(fieldsOf(answer)?.error)
  const code = String(error?.code)
  if (Object.hasOwn(ERROR_CODES, code) && code.startsWith('IMAGE_')) {
    return new BoxletError(code as ErrorCode, String(error?.message))
  }
  if (status === 401 || status === 403) {
    return new BoxletError('FORBIDDEN', `Expected the service to take the key but it answered ${status}.`, {
      hint: 'Pass the key with --api-key or BOXLET_API_KEY.',
    })
  }
  const said = error === undefined ? '' : `: ${String(error.message).slice(0, 300)}`
  return new BoxletError(
    'URL_FAILED',
    `Expected detections from the service but it answered ${status}${said}.`,
  )
}

const fieldsOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined

function parseAnswer(answer: unknown, total: number): DetectResult {
  const image = fieldsOf((fieldsOf(answer)?.images as unknown[] | undefined)?.[0])
  const failed = fieldsOf(image?.error)
  if (failed !== undefined) {
    throw serviceError(200, { error: failed })
  }
  const found = image?.detections
  if (image === undefined || !Array.isArray(found) || !isNumber(image.width) || !isNumber(image.height)) {
    throw new BoxletError(
      'URL_FAILED',
      'Expected the JSON of a Boxlet service but received something else.',
      {
        hint: 'Is it the address of the service, without /v1/detect?',
      },
    )
  }
  const timings = fieldsOf(image.timings)
  const of = (name: string) => (isNumber(timings?.[name]) ? (timings?.[name] as number) : 0)
  return {
    image: { width: image.width, height: image.height },
    detections: found.map(parseDetection),
    timings: { decode: of('decode'), prepare: of('prepare'), run: of('run'), boxes: of('boxes'), total },
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

function parseDetection(entry: unknown): DetectResult['detections'][number] {
  const { label, classId, score, box } = fieldsOf(entry) ?? {}
  if (
    typeof label !== 'string' ||
    !isNumber(score) ||
    !Array.isArray(box) ||
    !box.every(isNumber) ||
    box.length !== 4
  ) {
    throw new BoxletError(
      'URL_FAILED',
      'Expected label, score and box for each detection but one is missing.',
    )
  }
  const [x1, y1, x2, y2] = box as [number, number, number, number]
  return { label, classId: isNumber(classId) ? classId : -1, score, box: { x1, y1, x2, y2 } }
}
