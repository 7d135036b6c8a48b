import { BoxletError } from '../errors.ts'
import type { Limits } from './options.ts'

/** A place in the service, held from before the body is read until the work has really ended. */
export interface Place {
  /** Room for more body bytes than were declared. @throws BoxletError OVERLOADED */
  grow(bytes: number): void
  leave(): void
}

/**
 * Decides which requests are let in. Load beyond what fits is refused at once: each request let in holds
 * its body in memory, so a longer queue would only fail later and larger.
 */
export class Admission {
  readonly #limits: Limits
  readonly #perClient = new Map<string, number>()
  #requests = 0
  #bytes = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get requests(): number {
    return this.#requests
  }

  /** @param bytes declared length of the body, or 0 where none is declared; `grow` as it comes in then */
  enter(client: string, bytes: number): Place {
    if (this.#closed)
      throw new BoxletError(
        'SHUTTING_DOWN',
        'Expected a running service but it is stopping and takes no new work.',
      )
    const mine = this.#perClient.get(client) ?? 0
    if (this.#requests >= this.#limits.inFlight) throw overloaded('service')
    if (mine >= this.#limits.inFlightPerClient) throw overloaded('client')
    this.#take(bytes, 0)
    this.#requests++
    this.#perClient.set(client, mine + 1)
    let held = bytes
    let inside = true
    return {
      grow: (more) => {
        this.#take(more, held)
        held += more
      },
      leave: () => {
        if (!inside) return
        inside = false
        this.#leave(client, held)
      },
    }
  }

  /** Takes no new work and resolves when what was let in has left. */
  async drain(): Promise<void> {
    this.#closed = true
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** A body that is alone always fits, so that a large one to an idle service is not refused for good. */
  #take(bytes: number, own: number): void {
    const others = this.#bytes - own
    if (others > 0 && this.#bytes + bytes > this.#limits.inFlightBytes) throw overloaded('service')
    this.#bytes += bytes
  }

  #leave(client: string, bytes: number): void {
    this.#requests--
    this.#bytes -= bytes
    const left = (this.#perClient.get(client) ?? 1) - 1
    if (left === 0) this.#perClient.delete(client)
    else this.#perClient.set(client, left)
    if (this.#requests === 0) for (const resolve of this.#idle.splice(0)) resolve()
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
