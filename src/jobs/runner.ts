import { setTimeout as sleep } from 'node:timers/promises'
import { toBoxletError } from '../errors.ts'
import { announce } from './announcer.ts'
import { Attempt, FAULT_MS } from './attempt.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import { Deliveries, SHARE_MS } from './deliveries.ts'
import { feed } from './feeder.ts'
import type { Message } from './queue.ts'
import type { RunnerOptions } from './runner-options.ts'
import { Slots } from './slots.ts'
import { Wake } from './wake.ts'

/** A message that its worker did not survive twice is worked on alone, so that it takes no other along. */
const SUSPECT_RECEIVES = 3
const isSuspect = ({ receives }: Message): boolean => receives >= SUSPECT_RECEIVES

const IDLE_MS = 200
/** Between two notices of one and the same fault. */
const NOTICE_MS = 60_000

/**
 * Works on what the queue holds until it is stopped. Any number of runners, in any number of processes, may share a
 * store; each may be killed at any moment.
 */
export class Runner {
  readonly #options: RunnerOptions
  readonly #attempt: Attempt
  readonly #deliveries: Deliveries
  readonly #leaseMs: number
  readonly #idleMs: number
  readonly #now: () => number
  /** Messages under way, with their leases. */
  readonly #held = new Map<string, Message>()
  readonly #working = new Set<Promise<void>>()
  readonly #wake = new Wake()
  #told: { line: string; at: number } | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#leaseMs = options.leaseMs ?? JOB_DEFAULTS.leaseMs
    this.#idleMs = options.idleMs ?? IDLE_MS
    this.#now = options.now ?? Date.now
    this.#attempt = new Attempt({
      ...options,
      slots: new Slots(options.concurrency),
      pictureMs: options.pictureMs ?? JOB_DEFAULTS.pictureMs,
      now: this.#now,
      onEnded: () => this.wake(),
      onNotice: (line) => this.#notice(line),
    })
    const { webhooks, post, webhookSecret: secret, onNotice } = options
    this.#deliveries = new Deliveries({
      webhooks,
      post,
      leaseMs: this.#leaseMs,
      now: this.#now,
      ...(secret !== undefined && { secret }),
      ...(onNotice !== undefined && { onNotice }),
    })
  }

  /** Looks into the queue at once, for whoever has just put something there. */
  wake(): void {
    this.#wake.wake()
  }

  get busy(): number {
    return this.#held.size
  }

  /**
   * @param stop takes no more pictures, finishes those under way, and returns
   * @param end gives back what is under way, uncounted
   */
  async run(stop: AbortSignal, end: AbortSignal = new AbortController().signal): Promise<void> {
    const beat = setInterval(() => void this.#renew(), this.#leaseMs / 3)
    const wake = (): void => this.wake()
    stop.addEventListener('abort', wake, { once: true })
    try {
      await Promise.all([this.#work(stop, end), this.#follow(stop), this.#deliver(stop, end)])
      // The last picture may have ended its job after the last look.
      while (await this.#guarded(() => announce(this.#options))) {}
      await this.#deliverLast(end)
    } finally {
      clearInterval(beat)
      stop.removeEventListener('abort', wake)
    }
  }

  async #work(stop: AbortSignal, end: AbortSignal): Promise<void> {
    const { pictures, concurrency } = this.#options
    while (!stop.aborted) {
      const seen = this.#wake.calls
      const free = 2 * concurrency - this.#working.size
      const messages =
        free > 0
          ? await this.#guarded(() => pictures.receive({ max: free, leaseMs: this.#leaseMs }))
          : undefined
      const [suspect, ...others] = (messages ?? []).filter(isSuspect)
      // Before the suspect has its chance to end the process, and with it their receive for nothing.
      await this.#guarded(() =>
        Promise.all(others.map((message) => pictures.giveBack(message, { delayMs: 0, unused: true }))),
      )
      for (const message of (messages ?? []).filter((each) => !isSuspect(each))) {
        void this.#begin(message, end)
      }
      if (suspect !== undefined) {
        this.#held.set(suspect.id, suspect)
        await this.#settled()
        await this.#begin(suspect, end)
      }
      if (free <= 0) {
        await Promise.race(this.#working)
      } else if (messages === undefined || messages.length === 0) {
        await this.#wake.sleep(messages === undefined ? FAULT_MS : this.#idleMs, seen)
      }
    }
    await this.#settled()
  }

  #begin(message: Message, end: AbortSignal): Promise<void> {
    this.#held.set(message.id, message)
    const work: Promise<void> = this.#guarded(() => this.#attempt.run(message, end)).finally(() => {
      this.#held.delete(message.id)
      this.#working.delete(work)
    })
    this.#working.add(work)
    return work
  }

  async #settled(): Promise<void> {
    while (this.#working.size > 0) {
      await Promise.race(this.#working)
    }
  }

  /** Feeds the queue, and tells of what has ended. */
  async #follow(stop: AbortSignal): Promise<void> {
    const { store, pictures, getManifest } = this.#options
    while (!stop.aborted) {
      const seen = this.#wake.calls
      const fed = await this.#guarded(() => feed({ store, pictures, get: getManifest }))
      const told = await this.#guarded(() => announce(this.#options))
      if (fed === undefined || told === undefined) {
        await this.#wake.sleep(FAULT_MS, seen)
      } else if (!fed && !told) {
        await this.#wake.sleep(this.#idleMs, seen)
      } else {
        this.wake()
        // Others of this process get a word in.
        await sleep(0)
      }
    }
  }

  async #deliver(stop: AbortSignal, end: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const seen = this.#wake.calls
      const looked = await this.#guarded(() => this.#deliveries.begin(end))
      if (looked === undefined || looked.begun + looked.left === 0) {
        await this.#wake.sleep(looked === undefined ? FAULT_MS : this.#idleMs, seen)
      }
    }
  }

  /** Each webhook of what was done here is tried once before the process may end. */
  async #deliverLast(end: AbortSignal): Promise<void> {
    // Those of marked pictures wait until the picture can be found.
    const wait = this.#attempt.flaggedAt + FAULT_MS - this.#now()
    if (wait > 0 && !end.aborted) {
      await sleep(Math.min(wait, FAULT_MS), undefined, { signal: end }).catch(() => {})
    }
    // Others may have left more than one process can deliver at its end.
    const last = AbortSignal.any([end, AbortSignal.timeout(JOB_DEFAULTS.webhookTimeoutMs)])
    let left = 0
    while (!last.aborted) {
      const looked = await this.#guarded(() => this.#deliveries.begin(last))
      left += looked?.left ?? 0
      if (looked !== undefined && looked.begun + looked.left > 0) {
        continue
      }
      await this.#deliveries.settled()
      if (left === 0) {
        return
      }
      left = 0
      await sleep(SHARE_MS, undefined, { signal: last }).catch(() => {})
    }
    await this.#deliveries.settled()
  }

  async #renew(): Promise<void> {
    if (this.#held.size > 0) {
      await this.#guarded(() => this.#options.pictures.extend([...this.#held.values()], this.#leaseMs))
    }
  }

  /** A store that is away for an hour says so sixty times, not thousands. */
  #notice(line: string): void {
    const now = performance.now()
    if (line !== this.#told?.line || now - this.#told.at > NOTICE_MS) {
      this.#told = { line, at: now }
      this.#options.onNotice?.(line)
    }
  }

  /** A store that is full or locked for a while is no reason to end: the lease brings back what was under way. */
  async #guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      const known = toBoxletError(error)
      this.#notice(`${known.message} ${known.hint ?? ''}`.trim())
      return undefined
    }
  }
}
