import { untilAborted } from '../system/signals.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import type { Message } from './queue.ts'
import { deliverOne, type WebhookMessage, type WebhookOptions } from './webhook.ts'

/** Webhooks on their way at once, of all owners: each holds a connection while its receiver thinks. */
const MOST = 64
/** Of one owner, and of these to one receiver: those that do not answer hold up no more than their share. */
const MOST_OF_OWNER = 8
const MOST_OF_RECEIVER = 4
/** What one look waits for places of those that are due. */
const PATIENCE_MS = 50
/** Until a webhook is looked at again whose share was taken. */
export const SHARE_MS = 1_000

/** Delivers webhooks side by side, so that one that hangs holds up neither those of others nor other receivers. */
export class Deliveries {
  readonly #options: WebhookOptions
  readonly #counts = new Map<string, number>()
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: WebhookOptions) {
    this.#options = options
  }

  /**
   * Takes what is due and begins to deliver it. What is not taken by its receiver comes again, later each time, and
   * after its tries lies among the dead letters.
   *
   * @param end gives back what is under way, uncounted
   * @returns how many were begun, and how many were left for later since their share was taken
   * @throws BoxletError STORE_UNAVAILABLE
   */
  async begin(end: AbortSignal): Promise<{ begun: number; left: number }> {
    const { webhooks, leaseMs, onNotice } = this.#options
    if (this.#underWay.size >= MOST) {
      await Promise.race(this.#underWay)
    }
    const messages = await webhooks.receive({
      max: Math.min(MOST_OF_OWNER, MOST - this.#underWay.size),
      // A receiver that does not answer must not outlive its lease.
      leaseMs: Math.max(leaseMs, 2 * JOB_DEFAULTS.webhookTimeoutMs),
    })
    let left = 0
    // Receivers that answer at once need no more.
    const patience = AbortSignal.timeout(PATIENCE_MS)
    for (const message of messages) {
      const lanes = lanesOf(message)
      if (!(await this.#hasRoom(lanes, AbortSignal.any([patience, end])))) {
        await webhooks.giveBack(message, { delayMs: SHARE_MS, unused: true })
        left++
        continue
      }
      for (const [lane] of lanes) {
        this.#counts.set(lane, (this.#counts.get(lane) ?? 0) + 1)
      }
      const work: Promise<void> = deliverOne(message, this.#options, end)
        .catch((error: Error) => onNotice?.(error.message))
        .finally(() => {
          this.#underWay.delete(work)
          for (const [lane] of lanes) {
            this.#leave(lane)
          }
        })
      this.#underWay.add(work)
    }
    return { begun: messages.length - left, left }
  }

  /** Waits for those that are under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #hasRoom(lanes: readonly Lane[], over: AbortSignal): Promise<boolean> {
    const isFull = (): boolean => lanes.some(([lane, most]) => (this.#counts.get(lane) ?? 0) >= most)
    while (isFull() && !over.aborted) {
      await untilAborted(Promise.race(this.#underWay), over).catch(() => {})
    }
    return !isFull()
  }

  #leave(lane: string): void {
    const rest = this.#counts.get(lane)! - 1
    if (rest === 0) {
      this.#counts.delete(lane)
    } else {
      this.#counts.set(lane, rest)
    }
  }
}

type Lane = readonly [lane: string, most: number]

function lanesOf({ body }: Message): Lane[] {
  const { tenant = '', target } = JSON.parse(body) as WebhookMessage
  const host = URL.canParse(target.url) ? new URL(target.url).host : ''
  return [
    [tenant, MOST_OF_OWNER],
    [`${tenant} ${host}`, MOST_OF_RECEIVER],
  ]
}
