/**
 * Webhooks as the Standard Webhooks specification has them, so that receivers verify them with a library that they
 * have.
 *
 * source  github.com/standard-webhooks/standard-webhooks, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { BoxletError, toBoxletError } from '../errors.ts'
import { within } from './deadline.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import type { WebhookTarget } from './job.ts'
import type { Message, Queue } from './queue.ts'
import { backOff } from './retry.ts'

/** What lies in the queue of webhooks. */
export interface WebhookMessage {
  /** The same for each delivery of one event, so that a receiver knows what it has had. */
  id: string
  /** Whose event it is; the receiver is not told. Undefined in messages of older versions. */
  tenant?: string
  target: WebhookTarget
  type: string
  /** Milliseconds since 1970. */
  at: number
  data: unknown
}

export interface WebhookRequest {
  url: string
  headers: Record<string, string>
  body: string
}

/**
 * Sends one request by the rules of the service for addresses, follows no redirect, and gives the status.
 *
 * @throws BoxletError URL_REFUSED, WEBHOOK_FAILED
 */
export type PostWebhook = (request: WebhookRequest, signal: AbortSignal) => Promise<number>

/** The request with its signature. Without any secret it goes out unsigned. */
function webhookRequest(
  { id, target, type, at, data }: WebhookMessage,
  secret: string | undefined,
  now: number,
): WebhookRequest {
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
  const timestamp = String(Math.floor(now / 1000))
  const key = target.secret ?? secret
  return {
    url: target.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'boxlet',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(key !== undefined && { 'webhook-signature': sign(key, id, timestamp, body) }),
    },
    body,
  }
}

function sign(secret: string, id: string, timestamp: string, body: string): string {
  const mac = createHmac('sha256', secretBytes(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
  return `v1,${mac}`
}

/** `whsec_` and base64, as libraries make them; any other text is taken as it is. */
function secretBytes(secret: string): Buffer {
  const coded = /^whsec_([A-Za-z0-9+/]{24,}={0,2})$/.exec(secret)?.[1]
  return coded === undefined ? Buffer.from(secret) : Buffer.from(coded, 'base64')
}

/** Of a request as Node gives its headers: what is missing is undefined, what comes twice a list. */
export interface WebhookHeaders {
  id: string | string[] | undefined
  timestamp: string | string[] | undefined
  signature: string | string[] | undefined
}

/**
 * What a receiver does, for those in Node without a library. Headers that are missing, or come twice, are refused too.
 *
 * @param toleranceMs older and newer requests are refused, so that nobody sends a recorded one again
 */
export function verifyWebhook(
  secret: string,
  { id, timestamp, signature }: WebhookHeaders,
  body: string,
  options: { now?: number; toleranceMs?: number } = {},
): boolean {
  const { now = Date.now(), toleranceMs = 300_000 } = options
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
    return false
  }
  if (!(Math.abs(now - Number(timestamp) * 1000) <= toleranceMs)) {
    return false
  }
  const expected = Buffer.from(sign(secret, id, timestamp, body))
  return signature.split(' ').some((given) => {
    const bytes = Buffer.from(given)
    return bytes.length === expected.length && timingSafeEqual(bytes, expected)
  })
}

export interface WebhookOptions<Q = Queue> {
  webhooks: Q
  post: PostWebhook
  /** Key of signatures where the job has none of its own. */
  secret?: string
  leaseMs: number
  now?: () => number
  onNotice?(line: string): void
}

/** Delivers the webhook of one message, and tells its queue what became of it. */
export async function deliverOne(
  message: Message,
  options: WebhookOptions<Pick<Queue, 'done' | 'giveBack' | 'bury'>>,
  signal: AbortSignal,
): Promise<void> {
  const { webhooks, post, secret, onNotice, now = Date.now } = options
  const content = JSON.parse(message.body) as WebhookMessage
  try {
    const status = await within(JOB_DEFAULTS.webhookTimeoutMs, signal, lateReceiver, (ending) =>
      post(webhookRequest(content, secret, now()), ending),
    )
    if (status < 200 || status > 299) {
      throw new BoxletError(
        'WEBHOOK_FAILED',
        `Expected a status of 200 to 299 from the receiver but received ${status}.`,
      )
    }
    await webhooks.done([message])
  } catch (error) {
    if (signal.aborted) {
      await webhooks.giveBack(message, { delayMs: 0, unused: true })
      return
    }
    const known = toBoxletError(error)
    const lasting = known.code === 'URL_REFUSED'
    if (lasting || message.receives >= JOB_DEFAULTS.webhookTries) {
      onNotice?.(`A webhook was given up: ${known.message}`)
      await webhooks.bury(message, `${known.code}: ${known.message}`)
    } else {
      const { webhookBackOffMs, mostWebhookBackOffMs } = JOB_DEFAULTS
      const delayMs = backOff(message.receives, webhookBackOffMs, mostWebhookBackOffMs)
      await webhooks.giveBack(message, { delayMs })
    }
  }
}

const lateReceiver = (): BoxletError =>
  new BoxletError(
    'WEBHOOK_FAILED',
    `Expected the receiver to answer within ${JOB_DEFAULTS.webhookTimeoutMs} ms but it took longer.`,
  )
