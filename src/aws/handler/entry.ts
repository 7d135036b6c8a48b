/** What stands between Lambda's events and the parts that answer them. */
import { type App, createApp } from '../../api/app.ts'
import { errorResponse } from '../../api/error-response.ts'
import type { DetectorLike } from '../../detector-types.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { S3BlobStore } from '../s3-blob-store.ts'
import { directCall } from './direct.ts'
import { isBridgeEvent, isRecords } from './events.ts'
import {
  type HttpResult,
  httpResult,
  isFunctionUrl,
  isHttpV1,
  isHttpV2,
  responseHead,
  type WebCall,
  webCallV1,
  webCallV2,
} from './http-event.ts'
import { functionAuthenticator } from './keys.ts'
import type { Environment } from './open-model.ts'
import { Start } from './start.ts'
import { work, workerSettings } from './worker.ts'

/** An answer that is not streamed; Lambda refuses larger ones, and base64 makes bytes a third larger. */
const MAX_ANSWER_BYTES = 6 * 2 ** 20

export interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** The part of Lambda's response stream that is used here. */
export interface AnswerStream extends NodeJS.WritableStream {
  setContentType?(type: string): void
}

export class Entry {
  readonly #env: Environment
  readonly #start: Start
  readonly #blobs: S3BlobStore
  #app: Promise<App> | undefined

  private constructor(env: Environment, start: Start) {
    this.#env = env
    this.#start = start
    this.#blobs = new S3BlobStore()
  }

  /** Does all that can be done before the first event. Never throws: a fault is answered to each call. */
  static async create(env: Environment): Promise<Entry> {
    const start = new Start(env)
    const entry = new Entry(env, start)
    await start.run()
    return entry
  }

  /** Answers an event with one value, as functions do that do not stream. */
  async handle(event: unknown, context: Context): Promise<unknown> {
    if (isHttpV2(event)) return this.#whole(webCallV2(event), context)
    if (isHttpV1(event)) return this.#whole(webCallV1(event), context)
    if (isRecords(event) || isBridgeEvent(event)) return this.#batch(event)
    const call = directCall(event, this.#env.BOXLET_DIRECT_PATH)
    if (call === undefined)
      throw new BoxletError(
        'REQUEST_INVALID',
        'Expected an HTTP, S3, SQS or direct event but received another form.',
        {
          hint: 'Send {"image": "<base64>"} or {"s3": {"bucket", "key"}}.',
        },
      )
    return directAnswer(await this.#fetch(call, context))
  }

  /** Streams the answer to a function URL; others get the same as from `handle`, in one piece. */
  async stream(
    event: unknown,
    stream: AnswerStream,
    context: Context,
    withHead: (stream: AnswerStream, head: unknown) => AnswerStream,
  ): Promise<void> {
    if (!isHttpV2(event) || !isFunctionUrl(event)) {
      stream.setContentType?.('application/json')
      stream.end(JSON.stringify((await this.handle(event, context)) ?? null))
      return
    }
    const response = await this.#fetch(webCallV2(event), context)
    const { headers, cookies } = responseHead(response)
    const out = withHead(stream, { statusCode: response.status, headers, cookies })
    if (response.body !== null)
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve))
    out.end()
  }

  async #whole(call: WebCall, context: Context): Promise<HttpResult> {
    const result = await httpResult(await this.#fetch(call, context))
    if (result.body.length <= MAX_ANSWER_BYTES) return result
    const error = new BoxletError(
      'REQUEST_TOO_LARGE',
      `Expected an answer of at most ${MAX_ANSWER_BYTES} bytes but the picture needs ${result.body.length}.`,
      { hint: 'Ask for image/jpeg, send a smaller picture, or deploy with response streaming.' },
    )
    return httpResult(errorResponse(error, 'native', context.awsRequestId))
  }

  async #fetch({ request, connection }: WebCall, context: Context): Promise<Response> {
    const name = `${request.method} ${new URL(request.url).pathname}`
    const telemetry = await this.#start.telemetry
    return telemetry.trace(name, this.#env, async () => {
      try {
        this.#app ??= this.#createApp(context)
        return await (await this.#app).fetch(request, { ...connection, requestId: context.awsRequestId })
      } catch (error) {
        this.#app = undefined
        const known = toBoxletError(error)
        telemetry.logger.error('request', known)
        return errorResponse(known, 'native', context.awsRequestId)
      }
    })
  }

  async #createApp(context: Context): Promise<App> {
    const [telemetry, auth] = await Promise.all([this.#start.telemetry, functionAuthenticator(this.#env)])
    const name = this.#start.modelName ?? 'default'
    return createApp({
      detectors: {
        names: [name],
        defaultName: name,
        get: () => this.#start.detector(),
        ready: () => this.#start.ready,
      },
      ...(auth === undefined ? {} : { auth }),
      blobStore: this.#blobs,
      observer: telemetry,
      limits: {
        // Lambda ends the call at its own deadline without a word, so ours comes shortly before.
        deadlineMs: Math.max(1000, context.getRemainingTimeInMillis() - 500),
        bodyBytes: MAX_ANSWER_BYTES,
      },
      ...(this.#env.BOXLET_CORS_ORIGINS === undefined
        ? {}
        : { corsOrigins: this.#env.BOXLET_CORS_ORIGINS.split(',') }),
    })
  }

  async #batch(event: unknown): Promise<unknown> {
    const telemetry = await this.#start.telemetry
    const detector = (): Promise<DetectorLike> => this.#start.detector()
    return telemetry.trace('batch', this.#env, () =>
      work(event, {
        ...workerSettings(this.#env),
        detector,
        blobs: this.#blobs,
        measured: (pictures, detections, stages) => telemetry.measured(pictures, detections, stages),
        failed: (message, error, ref) => telemetry.logger.error(message, { ref, error: error.toJSON() }),
      }),
    )
  }
}

/** What a direct caller wants is the document, not HTTP around it. Errors become the function's error. */
async function directAnswer(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  const body: unknown = type.includes('json')
    ? await response.json()
    : { contentType: type, body: Buffer.from(await response.arrayBuffer()).toString('base64') }
  if (response.ok) return body
  const { error } = body as { error?: { code?: string; message?: string; hint?: string } }
  throw Object.assign(new Error([error?.message, error?.hint].filter(Boolean).join(' ')), {
    name: error?.code ?? `Status${response.status}`,
  })
}
