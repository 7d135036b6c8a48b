import { BoxletError } from '../errors.ts'
import type { Limits } from './options.ts'

/** A place in the service, held from before the body is read until the work has really ended. */
export interface Place {
  /** Room for body bytes that have arrived. @throws BoxletError OVERLOADED */
  grow(bytes: number): void
  /** The body is there and the work begins. @throws BoxletError OVERLOADED */
  begin(): void
  leave(): void
}

/**
 * Decides which requests are let in. Load beyond what fits is refused at once: each request let in holds
 * its body in memory, so a longer queue would only fail later and larger.
 *
 * Bodies on their way count apart from work, and only by the bytes that have arrived, so that clients that
 * announce much and send slowly do not keep others out.
 */
export class Admission {
  readonly #limits: Limits
  readonly #perClient = new Map<string, number>()
  #reading = 0
  #working = 0
  #bytes = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get requests(): number {
    return this.#reading + this.#working
  }

  enter(client: string): Place {
    if (this.#closed) {
      throw new BoxletError(
        'SHUTTING_DOWN',
        'Expected a running service but it is stopping and takes no new work.',
      )
    }
    const mine = this.#perClient.get(client) ?? 0
    this.#checkWork()
    if (this.#reading >= this.#limits.reading) {
      throw overloaded('service')
    }
    if (mine >= this.#limits.inFlightPerClient) {
      throw overloaded('client')
    }
    this.#reading++
    this.#perClient.set(client, mine + 1)
    let held = 0
    let phase: 'reading' | 'working' | 'left' = 'reading'
    return {
      grow: (bytes) => {
        this.#take(bytes, held)
        held += bytes
      },
      begin: () => {
        this.#checkWork()
        this.#reading--
        this.#working++
        phase = 'working'
      },
      leave: () => {
        if (phase === 'left') {
          return
        }
        if (phase === 'reading') {
          this.#reading--
        } else {
          this.#working--
        }
        phase = 'left'
        this.#leave(client, held)
      },
    }
  }

  /** Takes no new work and resolves when what was let in has left. */
  async drain(): Promise<void> {
    this.#closed = true
    if (this.requests > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #checkWork(): void {
    if (this.#working >= this.#limits.inFlight) {
      throw overloaded('service')
    }
  }

  /** A body that is alone always fits, so that a large one to an idle service is not refused for good. */
  #take(bytes: number, own: number): void {
    const others = this.#bytes - own
    if (others > 0 && this.#bytes + bytes > this.#limits.inFlightBytes) {
      throw overloaded('service')
    }
    this.#bytes += bytes
  }

  #leave(client: string, bytes: number): void {
    this.#bytes -= bytes
    const left = (this.#perClient.get(client) ?? 1) - 1
    if (left === 0) {
      this.#perClient.delete(client)
    } else {
      this.#perClient.set(client, left)
    }
    if (this.requests === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve()
      }
    }
  }
}

/** `details.scope` tells 429 (this client sends too much) from 503 (all clients together do). */
const overloaded = (scope: 'client' | 'service') =>
  new BoxletError(
    'OVERLOADED',
    scope === 'client'
      ? 'Expected fewer requests of one client at a time but received more than its share.'
      : 'Expected a free place in the queue but it is full.',
    { hint: 'Send the request again after the seconds in Retry-After.', details: { scope } },
  )
