/** What stands between Lambda's events and the parts that answer them. */
import { type App, createApp } from '../../api/app.ts'
import { errorResponse } from '../../api/error-response.ts'
import type { DetectorLike } from '../../detector/types.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import type { Environment } from '../../system/environment.ts'
import { S3BlobStore } from '../clients/s3-blob-store.ts'
import { putInOrder } from '../clients/s3-in-order.ts'
import { PLACE_VARIABLES, placesOf } from '../jobs/places.ts'
import {
  checkAnswerSize,
  directAnswer,
  FunctionError,
  type HttpResult,
  httpResult,
  MAX_ANSWER_BYTES,
  MAX_BALANCED_ANSWER_BYTES,
  responseHead,
  sendBody,
} from './answers.ts'
import { directCall } from './direct.ts'
import {
  isFunctionUrl,
  isHttpV1,
  isHttpV2,
  isLoadBalancer,
  type WebCall,
  webCallV1,
  webCallV2,
} from './http-event.ts'
import type { FunctionCall, FunctionJobs } from './jobs/jobs.ts'
import { functionAuthenticator } from './keys.ts'
import type { EventSource } from './sources/source.ts'
import { sourceOf } from './sources/sources.ts'
import { Start } from './start.ts'
import type { Telemetry } from './telemetry.ts'
import { work, workerSettings } from './worker.ts'

/** Lambda hands over no larger event, so no larger body can come. */
const MAX_BODY_BYTES = 6 * 2 ** 20
/** API Gateway waits for 29 seconds and answers for the function then, without a word of what was wrong. */
const GATEWAY_MS = 29_000
/** Lambda ends a call at its deadline without a word, so our answer leaves this long before. */
const ANSWER_MS = 500

const NONE = Promise.resolve(undefined)

async function openJobs(env: Environment): Promise<FunctionJobs | undefined> {
  const places = placesOf(env)
  if (places === undefined) {
    return undefined
  }
  const { FunctionJobs } = await import('./jobs/jobs.ts')
  return new FunctionJobs(env, places)
}

export interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** The part of Lambda's response stream that is used here. */
export interface AnswerStream extends NodeJS.WritableStream {
  setContentType?(type: string): void
}

/** What the service in front takes of an answer. */
interface Front {
  maxBytes?: number
  /** Headers as lists of values. */
  lists?: boolean
  /** Milliseconds that it waits, where that may be less than the function has. */
  waitsMs?: number
}

export class Entry {
  readonly #env: Environment
  readonly #start: Start
  readonly #blobs: S3BlobStore
  #app: App | undefined
  #jobs: Promise<FunctionJobs | undefined> | undefined

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
    try {
      return await this.#answer(event, context)
    } catch (error) {
      if (error instanceof FunctionError) {
        throw error
      }
      const known = toBoxletError(error)
      if (known.code === 'INTERNAL') {
        ;(await this.#start.telemetry).logger.error('call', known)
      }
      throw new FunctionError(known)
    }
  }

  async #answer(event: unknown, context: Context): Promise<unknown> {
    if (isHttpV2(event)) {
      const make = () => webCallV2(event, this.#env.BOXLET_BASE_PATH)
      return this.#whole(make, context, isFunctionUrl(event) ? {} : { waitsMs: GATEWAY_MS })
    }
    if (isHttpV1(event)) {
      const balanced = isLoadBalancer(event)
      const front: Front = balanced
        ? { maxBytes: MAX_BALANCED_ANSWER_BYTES, lists: event.multiValueHeaders !== undefined }
        : { waitsMs: GATEWAY_MS }
      return this.#whole(() => webCallV1(event, this.#env.BOXLET_BASE_PATH), context, front)
    }
    const jobs = await this.#openJobs()
    const done = await jobs?.handle(event, await this.#call(context))
    if (done !== undefined) {
      return done.answer
    }
    const source = sourceOf(event)
    if (source !== undefined) {
      return this.#batch(event, source, context)
    }
    const call = directCall(event, this.#env.BOXLET_DIRECT_PATH)
    if (call === undefined) {
      throw new BoxletError(
        'REQUEST_INVALID',
        'Expected an HTTP, S3, SQS, SNS, EventBridge or direct event but received another form.',
        { hint: 'Send {"image": "<base64>"} or {"s3": {"bucket", "key"}}.' },
      )
    }
    return directAnswer(await this.#fetch(() => call, context))
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
    const response = await this.#fetch(() => webCallV2(event, this.#env.BOXLET_BASE_PATH), context)
    const { headers, cookies } = responseHead(response)
    const out = withHead(stream, { statusCode: response.status, headers, cookies })
    if ((await sendBody(response.body, out)) === 'gone') {
      ;(await this.#start.telemetry).logger.info('caller went away', { requestId: context.awsRequestId })
    }
  }

  async #whole(
    make: () => WebCall,
    context: Context,
    { maxBytes = MAX_ANSWER_BYTES, lists = false, waitsMs }: Front,
  ): Promise<HttpResult> {
    const result = await httpResult(await this.#fetch(make, context, waitsMs), lists)
    try {
      checkAnswerSize(result, result.body, maxBytes)
      return result
    } catch (error) {
      return httpResult(errorResponse(toBoxletError(error), 'native', context.awsRequestId), lists)
    }
  }

  async #fetch(make: () => WebCall, context: Context, waitsMs = Number.POSITIVE_INFINITY): Promise<Response> {
    const telemetry = await this.#start.telemetry
    try {
      const { request, connection } = make()
      connection.requestId = context.awsRequestId
      const left = Math.min(context.getRemainingTimeInMillis(), waitsMs)
      connection.deadlineMs = Math.round(Math.max(left - ANSWER_MS, left / 2))
      const name = `${request.method} ${new URL(request.url).pathname}`
      const jobs = await this.#openJobs()
      return await telemetry.trace(name, this.#env, async () => {
        this.#app ??= this.#createApp(telemetry, jobs)
        return this.#app.fetch(request, connection)
      })
    } catch (error) {
      const known = toBoxletError(error)
      if (known.kind === 'usage') {
        telemetry.logger.info('request', { error: known.code })
      } else {
        telemetry.logger.error('request', known)
      }
      return errorResponse(known, 'native', context.awsRequestId)
    }
  }

  /** Loaded only where there are jobs, since the way to a single answer must not wait for them. */
  #openJobs(): Promise<FunctionJobs | undefined> {
    this.#jobs ??= this.#env[PLACE_VARIABLES.table] === undefined ? NONE : openJobs(this.#env)
    return this.#jobs
  }

  async #call(context: Context): Promise<FunctionCall> {
    const telemetry = await this.#start.telemetry
    return {
      detector: () => this.#start.detector(),
      remainingMs: () => context.getRemainingTimeInMillis(),
      measured: (pictures, detections, stages) => telemetry.measured(pictures, detections, stages),
      failed: (message, error) => telemetry.logger.error(message, { error: error.toJSON() }),
    }
  }

  #createApp(telemetry: Telemetry, jobs: FunctionJobs | undefined): App {
    const start = this.#start
    return createApp({
      detectors: {
        get names() {
          return [start.modelName ?? 'default']
        },
        get defaultName() {
          return start.modelName ?? 'default'
        },
        get: () => start.detector(),
        ready: () => start.ready,
      },
      auth: functionAuthenticator(this.#env),
      blobStore: this.#blobs,
      observer: telemetry,
      ...(jobs !== undefined && {
        jobs: jobs.offer((message, error) => telemetry.logger.error(message, { error: error.toJSON() })),
      }),
      limits: { bodyBytes: MAX_BODY_BYTES },
      ...(this.#env.BOXLET_CORS_ORIGINS === undefined
        ? {}
        : { corsOrigins: this.#env.BOXLET_CORS_ORIGINS.split(',') }),
    })
  }

  async #batch(event: unknown, source: EventSource, context: Context): Promise<unknown> {
    const telemetry = await this.#start.telemetry
    const detector = (): Promise<DetectorLike> => this.#start.detector()
    return telemetry.trace('batch', this.#env, () =>
      work(event, source, {
        ...workerSettings(this.#env),
        detector,
        blobs: this.#blobs,
        putInOrder: (ref, bytes, sequencer, options) =>
          putInOrder(this.#blobs, ref, bytes, sequencer, options),
        remainingMs: () => context.getRemainingTimeInMillis(),
        measured: (pictures, detections, stages) => telemetry.measured(pictures, detections, stages),
        failed: (message, error, ref) => telemetry.logger.error(message, { ref, error: error.toJSON() }),
      }),
    )
  }
}
