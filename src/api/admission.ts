import { BoxletError } from '../errors.ts'
import type { Limits } from './options.ts'

/** A place in the service, held from before the body is read until the work has really ended. */
export interface Place {
  /** Room for body bytes that have arrived. @throws BoxletError OVERLOADED */
  grow(bytes: number): void
  /** The body is there and the work begins. @throws BoxletError OVERLOADED */
  begin(): void
  /** Who the caller is, once that is proven; what it holds counts for it from here on. */
  belongTo(client: string): void
  leave(): void
}

/** Bodies that come slower than this, a modem's speed, may be cut by others of the same caller. */
const LEAST_BYTES_PER_SECOND = 4 * 1024
/** Before this a body has had no time to come. */
const GRACE_MS = 1_000

interface Held {
  client: string
  phase: 'reading' | 'working' | 'left'
  bytes: number
  since: number
  cut(reason: BoxletError): void
}

/**
 * Decides which requests are let in. Load beyond what fits is refused at once: each request let in holds
 * its body in memory, so a longer queue would only fail later and larger.
 *
 * Bodies on their way count apart from work, and only by the bytes that have arrived. Where there is no room, the
 * caller that holds the most gives way to one that holds less: alone a caller may use the whole service, beside
 * others it cannot keep more than a share, however slowly it sends.
 */
export class Admission {
  readonly #limits: Limits
  readonly #held = new Set<Held>()
  readonly #perClient = new Map<string, number>()
  #bytes = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get requests(): number {
    return this.#held.size
  }

  /** What is held, for metrics and for tests that count what an attack leaves behind. */
  get usage(): { reading: number; working: number; bytes: number; clients: number } {
    return {
      reading: this.#count('reading'),
      working: this.#count('working'),
      bytes: this.#bytes,
      clients: this.#perClient.size,
    }
  }

  /**
   * @param client key of the caller, or its address
   * @param cut ends the request with that error, where its place is needed for another caller
   * @throws BoxletError OVERLOADED, SHUTTING_DOWN
   */
  enter(client: string, cut: (reason: BoxletError) => void): Place {
    if (this.#closed) {
      throw stopping()
    }
    if ((this.#perClient.get(client) ?? 0) >= this.#limits.inFlightPerClient) {
      throw overloaded('client')
    }
    this.#makeRoom('working', client, false)
    this.#makeRoom('reading', client, true)
    const held: Held = { client, phase: 'reading', bytes: 0, since: performance.now(), cut }
    this.#held.add(held)
    this.#countClient(client, 1)
    return {
      grow: (bytes) => {
        this.#growBy(held, bytes)
      },
      begin: () => {
        this.#makeRoom('working', held.client, true)
        held.phase = 'working'
      },
      belongTo: (proven) => {
        if (held.phase !== 'left') {
          this.#countClient(held.client, -1)
          this.#countClient(proven, 1)
        }
        held.client = proven
      },
      leave: () => this.#leave(held),
    }
  }

  /**
   * Takes no new work and resolves when what was let in has left. A body that is still on its way is not waited for
   * long: its sender may never finish it.
   */
  async drain(): Promise<void> {
    this.#closed = true
    if (this.requests === 0) {
      return
    }
    const late = setTimeout(() => {
      for (const held of [...this.#held].filter(({ phase }) => phase === 'reading')) {
        held.cut(stopping())
      }
    }, GRACE_MS)
    await new Promise<void>((resolve) => this.#idle.push(resolve))
    clearTimeout(late)
  }

  #count(phase: Held['phase'], client?: string): number {
    let count = 0
    for (const held of this.#held) {
      count += held.phase === phase && (client === undefined || held.client === client) ? 1 : 0
    }
    return count
  }

  /** @throws BoxletError OVERLOADED where the caller itself holds its share, or all hold the same */
  #makeRoom(phase: 'reading' | 'working', client: string, takes: boolean): void {
    const limit = phase === 'reading' ? this.#limits.reading : this.#limits.inFlight
    if (this.#count(phase) < limit) {
      return
    }
    const victim = this.#victim(phase, client, () => 1)
    if (victim === undefined) {
      throw overloaded('service')
    }
    if (takes) {
      this.#cut(victim)
    }
  }

  /** A body that is alone always fits, so that a large one to an idle service is not refused for good. */
  #growBy(held: Held, bytes: number): void {
    if (held.phase === 'left') {
      return
    }
    while (this.#bytes - held.bytes > 0 && this.#bytes + bytes > this.#limits.inFlightBytes) {
      const victim = this.#victim('reading', held.client, (other) => other.bytes, held)
      if (victim === undefined) {
        throw overloaded('service')
      }
      this.#cut(victim)
    }
    held.bytes += bytes
    this.#bytes += bytes
  }

  /**
   * Whose place may be taken: the slowest body, or the newest work, of the caller that holds the most, if that is
   * more than the asking one would hold. Among its own, only a body that hardly comes.
   */
  #victim(
    phase: 'reading' | 'working',
    client: string,
    weight: (held: Held) => number,
    asking?: Held,
  ): Held | undefined {
    const sums = new Map<string, number>([[client, asking === undefined ? 1 : 0]])
    const candidates = [...this.#held].filter(
      (held) => held.phase === phase && held !== asking && weight(held) > 0,
    )
    for (const held of asking === undefined ? candidates : [...candidates, asking]) {
      sums.set(held.client, (sums.get(held.client) ?? 0) + weight(held))
    }
    const [largest, most] = [...sums].reduce((a, b) => (b[1] > a[1] ? b : a))
    const now = performance.now()
    const speed = ({ bytes, since }: Held) => bytes / Math.max(1, now - since)
    if (largest === client || most <= sums.get(client)!) {
      const stalled = candidates.filter(
        (held) =>
          phase === 'reading' &&
          held.client === client &&
          now - held.since > GRACE_MS &&
          speed(held) * 1000 < LEAST_BYTES_PER_SECOND,
      )
      return leastBy(stalled, speed)
    }
    const theirs = candidates.filter((held) => held.client === largest)
    return leastBy(theirs, phase === 'reading' ? speed : (held) => -held.since)
  }

  #cut(held: Held): void {
    this.#leave(held)
    held.cut(overloaded('service'))
  }

  #leave(held: Held): void {
    if (held.phase === 'left') {
      return
    }
    held.phase = 'left'
    this.#held.delete(held)
    this.#bytes -= held.bytes
    this.#countClient(held.client, -1)
    if (this.requests === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve()
      }
    }
  }

  #countClient(client: string, by: number): void {
    const count = (this.#perClient.get(client) ?? 0) + by
    if (count === 0) {
      this.#perClient.delete(client)
    } else {
      this.#perClient.set(client, count)
    }
  }
}

const leastBy = (all: readonly Held[], value: (held: Held) => number): Held | undefined =>
  all.length === 0 ? undefined : all.reduce((a, b) => (value(b) < value(a) ? b : a))

const stopping = () =>
  new BoxletError('SHUTTING_DOWN', 'Expected a running service but it is stopping and takes no new work.')

/** `details.scope` tells 429 (this client sends too much) from 503 (all clients together do). */
export const overloaded = (scope: 'client' | 'service') =>
  new BoxletError(
    'OVERLOADED',
    scope === 'client'
      ? 'Expected fewer requests of one client at a time but received more than its share.'
      : 'Expected a free place in the queue but it is full.',
    { hint: 'Send the request again after the seconds in Retry-After.', details: { scope } },
  )
