import { createHash, randomUUID } from 'node:crypto'
import type { Job as BullJob, Queue as BullQueue, Worker as BullWorker } from 'bullmq'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { Page } from '../jobs/job-store.ts'
import type { DeadLetter, Message, NewMessage, Queue, QueueSize } from '../jobs/queue.ts'
import { DeadLetters } from './dead-letters.ts'
import { postgresFault } from './postgres-fault.ts'
import type { QueueConnection } from './queue-connection.ts'
import { Turns } from './turns.ts'

/** Said of a message whose workers ended each time. */
const TOO_MANY_RECEIVES = 'its worker ended each time'
/** Leases that ended are looked for this often; each of them is seconds long. */
const SWEEP_MS = 1_000
/** Turns are counted for months before their numbers grow large. */
const TIDY_MS = 60_000
/** The library would fail messages by a count of its own; ours is in the table of dead letters. */
const NO_LIMIT = 2 ** 31 - 1

/** What lies in the library's table. */
interface Content {
  body: string
  turn: number
  /** Receives that do not count. */
  unused: number
}

export interface PostgresQueueOptions {
  /** Several queues share the tables. */
  name: string
  mostReceives?: number
  sweepMs?: number
}

/**
 * BullMQ on PostgreSQL: it keeps the messages, their order, their delays and their leases. What it has no word for is
 * in tables of this store: whose turn it is, and dead letters that can be paged through.
 */
export class PostgresQueue implements Queue {
  readonly #mostReceives: number
  readonly #sweepMs: number
  readonly #queue: BullQueue<Content>
  readonly #worker: BullWorker<Content>
  readonly #turns: Turns
  readonly #dead: DeadLetters
  #sweptAt = 0
  #tidiedAt = 0
  /** The library's own object of each message that is held. */
  readonly #held = new WeakMap<Message, BullJob<Content>>()

  constructor(connection: QueueConnection, options: PostgresQueueOptions) {
    const { name, mostReceives = JOB_DEFAULTS.mostReceives, sweepMs = SWEEP_MS } = options
    this.#mostReceives = mostReceives
    this.#sweepMs = sweepMs
    this.#queue = connection.queue<Content>(name)
    this.#worker = connection.worker<Content>(name, {
      maxStalledCount: NO_LIMIT,
      // As often as it is asked for: the looks here have their own interval.
      stalledInterval: 1,
    })
    this.#turns = new Turns(connection.database, name)
    this.#dead = new DeadLetters(connection.database, name)
  }

  /** The same body is there once while it is there: whoever sends it at the same time sends nothing more. */
  async send(messages: readonly NewMessage[]): Promise<void> {
    if (messages.length === 0) {
      return
    }
    const turns = await this.#turns.next(messages.map(({ group = '' }) => group))
    await guarded(() =>
      this.#queue.addBulk(
        messages.map(({ body, delayMs = 0 }, index) => ({
          name: 'message',
          data: { body, turn: turns[index]!.turn, unused: 0 },
          opts: {
            jobId: `m${createHash('sha256').update(body).digest('hex').slice(0, 40)}`,
            priority: turns[index]!.priority,
            delay: delayMs,
            removeOnComplete: true,
          },
        })),
      ),
    )
  }

  async receive({ max, leaseMs }: { max: number; leaseMs: number }): Promise<Message[]> {
    await this.#sweep()
    const taken: Message[] = []
    let turn = 0
    let isEmpty = false
    this.#worker.opts.lockDuration = leaseMs
    while (taken.length < max) {
      const lease = randomUUID()
      const job = await guarded(() => this.#worker.getNextJob(lease, { block: false }))
      if (job === undefined || job === null) {
        isEmpty = true
        break
      }
      const { body, unused } = job.data
      const receives = job.attemptsStarted - unused
      const message = { id: job.id!, body, receives, lease }
      if (receives > this.#mostReceives) {
        await this.#dead.add({ ...message, receives: receives - 1 }, TOO_MANY_RECEIVES, { noted: false })
        await this.#end(job, lease)
        continue
      }
      turn = Math.max(turn, job.data.turn)
      this.#held.set(message, job)
      taken.push(message)
    }
    if (turn > 0) {
      await this.#turns.served(turn)
    } else if (isEmpty) {
      await this.#tidy()
    }
    return taken
  }

  async extend(messages: readonly Message[], leaseMs: number): Promise<Message[]> {
    if (messages.length === 0) {
      return []
    }
    const lost = await guarded(() =>
      this.#worker.extendJobLocks(
        messages.map(({ id }) => id),
        messages.map(({ lease }) => lease),
        leaseMs,
      ),
    )
    return messages.filter(({ id }) => lost.includes(id))
  }

  async done(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      const job = await this.#job(message)
      if (job !== undefined) {
        await this.#end(job, message.lease)
      }
    }
  }

  async giveBack(
    message: Message,
    { delayMs, unused = false }: { delayMs: number; unused?: boolean },
  ): Promise<void> {
    const job = await this.#job(message)
    if (job === undefined || !(await this.#isHeld(message))) {
      return
    }
    if (unused) {
      await guarded(() => job.updateData({ ...job.data, unused: job.data.unused + 1 }))
    }
    await unlessLost(async () => {
      await (delayMs > 0
        ? job.moveToDelayed(Date.now() + delayMs, message.lease)
        : job.moveToWait(message.lease))
    })
  }

  async bury(message: Message, reason: string): Promise<void> {
    const job = await this.#job(message)
    if (job !== undefined && (await this.#isHeld(message))) {
      // First there, then not here: whoever dies between leaves it in both, and it comes to the same place again.
      await this.#dead.add(message, reason, { noted: true })
      await this.#end(job, message.lease)
    }
  }

  deadLetters(query: { limit: number; cursor?: string }): Promise<Page<DeadLetter>> {
    return this.#dead.page(query)
  }

  unnoted(limit: number): Promise<DeadLetter[]> {
    return this.#dead.unnoted(limit)
  }

  noted(ids: readonly string[]): Promise<void> {
    return this.#dead.note(ids)
  }

  dropDead(id: string): Promise<boolean> {
    return this.#dead.drop(id)
  }

  async size(): Promise<QueueSize> {
    const counts = await guarded(() =>
      this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed'),
    )
    return {
      ready: (counts.waiting ?? 0) + (counts.prioritized ?? 0),
      waiting: (counts.active ?? 0) + (counts.delayed ?? 0),
      dead: await this.#dead.count(),
    }
  }

  /** Between two messages there is time to begin counting anew. */
  async #tidy(): Promise<void> {
    const now = performance.now()
    if (now - this.#tidiedAt < TIDY_MS) {
      return
    }
    this.#tidiedAt = now
    const { ready, waiting } = await this.size()
    if (ready + waiting === 0) {
      await this.#turns.emptied()
    }
  }

  /** Brings back messages whose leases ended: the library marks them in one look and takes them back in the next. */
  async #sweep(): Promise<void> {
    const now = performance.now()
    if (now - this.#sweptAt < this.#sweepMs) {
      return
    }
    this.#sweptAt = now
    for (let look = 0; look < 2; look++) {
      await guarded(() => this.#worker.backend.moveStalledJobsToWait())
    }
  }

  async #job(message: Message): Promise<BullJob<Content> | undefined> {
    return this.#held.get(message) ?? (await guarded(() => this.#queue.getJob(message.id))) ?? undefined
  }

  /** A lease that ended still holds until another has taken the message. */
  async #isHeld({ id, lease }: Message): Promise<boolean> {
    const lost = await guarded(() => this.#worker.extendJobLocks([id], [lease], JOB_DEFAULTS.leaseMs))
    return lost.length === 0
  }

  #end(job: BullJob<Content>, lease: string): Promise<void> {
    return unlessLost(async () => {
      await job.moveToCompleted(0, lease, false)
    })
  }
}

/** What the library says of a message that is gone, or that another holds. Source: bullmq, `ErrorCode` */
const LOST: readonly unknown[] = [-1, -2, -3, -6]

async function unlessLost(work: () => Promise<void>): Promise<void> {
  await guarded(async () => {
    try {
      await work()
    } catch (error) {
      if (!LOST.includes((error as { code?: unknown }).code)) {
        throw error
      }
    }
  })
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw postgresFault(error)
  }
}
