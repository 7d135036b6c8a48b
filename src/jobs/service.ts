import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoxletError } from '../errors.ts'
import { failLost } from './announcer.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import { type FinalState, isFinal, type Job, type JobOptions } from './job.ts'
import type { Accepted, JobStore, ManifestSource, NewJob, NewPicture } from './job-store.ts'
import { refOf } from './message.ts'
import type { DeadLetter, Queue } from './queue.ts'
import { SharedReads } from './shared-reads.ts'
import type { WebhookMessage } from './webhook.ts'

/** Jobs accepted in one transaction: waiting for the disk is shared by all that came while it was busy. */
const MOST_AT_ONCE = 256
/** Between two looks at a job that somebody waits for. */
const LOOK_MS = 100
const PAGE = 100

export interface Submission {
  options: JobOptions
  pictures: readonly NewPicture[]
  manifest?: ManifestSource
  batch?: string
  /** The same key with the same parameters gives the same job. */
  key?: string
  /** Milliseconds that the job and its results are kept. */
  ttlMs?: number
}

export interface Submitted {
  job: Job
  /** False where the key, or the version of the picture, was known. */
  created: boolean
}

interface Waiting {
  job: NewJob
  resolve(accepted: Accepted): void
  reject(error: unknown): void
}

/** What callers do with jobs, whichever way they come: over HTTP, on the command line or by a watched folder. */
export class JobService {
  readonly store: JobStore
  readonly #pictures: Queue
  readonly #webhooks: Queue | undefined
  readonly #onAccepted: () => void | Promise<void>
  readonly #looks = new SharedReads<Job>(LOOK_MS)
  #waiting: Waiting[] = []
  #accepting = false

  /**
   * @param onAccepted wakes the runner of this process, or brings what was accepted into a queue; it does not fail
   * @param webhooks whose dead letters `redrive` tries again too
   */
  constructor(
    store: JobStore,
    pictures: Queue,
    onAccepted: () => void | Promise<void> = () => {},
    webhooks?: Queue,
  ) {
    this.store = store
    this.#webhooks = webhooks
    this.#pictures = pictures
    this.#onAccepted = onAccepted
  }

  /**
   * Accepts a job. It survives a loss of power when this returns.
   *
   * @throws BoxletError JOB_CONFLICT where the key is in use with other parameters, STORE_UNAVAILABLE
   */
  async submit(tenant: string, submission: Submission): Promise<Submitted> {
    const accepted = await this.#accept(newJob(tenant, submission))
    if (accepted.outcome === 'conflict') {
      throw new BoxletError(
        'JOB_CONFLICT',
        'Expected the same parameters for the same idempotency key but received others.',
        { hint: 'Use a new key for a new job.', details: { reason: 'idempotency', status: 422 } },
      )
    }
    if (accepted.outcome === 'outdated') {
      throw new BoxletError(
        'JOB_CONFLICT',
        'Expected a new version of the picture but one at least as new has arrived already.',
        { details: { reason: 'outdated', known: accepted.sequencer } },
      )
    }
    return { job: accepted.job, created: accepted.outcome === 'created' }
  }

  /** @throws BoxletError JOB_NOT_FOUND */
  async get(tenant: string, id: string): Promise<Job> {
    const job = await this.store.get(tenant, id)
    // What is over is deleted within the hour, and not shown until then.
    if (job === undefined || job.expiresAt <= Date.now()) {
      throw notFound()
    }
    return job
  }

  /**
   * Waits until a job is another than the one that the caller knows, or has ended.
   *
   * @returns the job as it is then, or when the time is over
   */
  async wait(
    tenant: string,
    id: string,
    { ms, isKnown, signal }: { ms: number; isKnown: (job: Job) => boolean; signal: AbortSignal },
  ): Promise<Job> {
    const until = performance.now() + ms
    let job = await this.get(tenant, id)
    for (;;) {
      signal.throwIfAborted()
      const left = until - performance.now()
      if (isFinal(job.state) || !isKnown(job) || left <= 0) {
        return job
      }
      await sleep(Math.min(LOOK_MS, left), undefined, { signal })
      job = await this.#looks.get(JSON.stringify([tenant, id]), () => this.get(tenant, id))
    }
  }

  /** @throws BoxletError JOB_NOT_FOUND, JOB_CONFLICT where it has ended */
  async cancel(tenant: string, id: string): Promise<Job> {
    const cancelled = await this.store.cancel(tenant, id)
    if (cancelled !== undefined) {
      await this.#onAccepted()
      return cancelled
    }
    const { state } = await this.get(tenant, id)
    throw new BoxletError('JOB_CONFLICT', `Expected a job that has not ended but this one has ${state}.`)
  }

  /**
   * Queues what failed again, or what was cancelled.
   *
   * @throws BoxletError JOB_NOT_FOUND, JOB_CONFLICT where there is nothing to try again
   */
  async retry(
    tenant: string,
    id: string,
    states: readonly FinalState[] = ['failed', 'cancelled'],
  ): Promise<Job> {
    const count = await this.store.retry(tenant, id, states)
    const job = await this.get(tenant, id)
    if (count === 0 && isFinal(job.state)) {
      throw new BoxletError('JOB_CONFLICT', 'Expected failed or cancelled pictures but the job has none.')
    }
    await this.#onAccepted()
    return job
  }

  /** Dead letters of one owner, oldest first. */
  async *deadLetters(tenant: string): AsyncGenerator<DeadLetter> {
    for await (const letter of allDead(this.#pictures)) {
      if (refOf(letter.body)?.tenant === tenant) {
        yield letter
      }
    }
  }

  /** Tries everything among the dead letters again. @returns how many */
  async redrive(tenant: string): Promise<{ pictures: number; webhooks: number }> {
    // A letter that nobody has noted is of a picture that does not know yet that it has failed.
    while (await failLost({ store: this.store, pictures: this.#pictures })) {}
    let pictures = 0
    for await (const { id, body } of this.deadLetters(tenant)) {
      const ref = refOf(body)
      // The picture first: a letter that stays behind is dropped by the next redrive.
      if (ref !== undefined && (await this.store.revive(ref))) {
        pictures++
      }
      await this.#pictures.dropDead(id)
    }
    const webhooks = this.#webhooks === undefined ? 0 : await redriveWebhooks(this.#webhooks, tenant)
    await this.#onAccepted()
    return { pictures, webhooks }
  }

  #accept(job: NewJob): Promise<Accepted> {
    const { promise, resolve, reject } = withResolvers<Accepted>()
    this.#waiting.push({ job, resolve, reject })
    if (!this.#accepting) {
      this.#accepting = true
      // After the callers of this turn, so that their jobs come along.
      setImmediate(() => void this.#acceptAll())
    }
    return promise
  }

  async #acceptAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, MOST_AT_ONCE)
      try {
        const accepted = await this.store.accept(some.map(({ job }) => job))
        await this.#onAccepted()
        for (const [index, { resolve }] of some.entries()) {
          resolve(accepted[index]!)
        }
      } catch (error) {
        for (const { reject } of some) {
          reject(error)
        }
      }
      // Those that came in while the disk was busy make the next transaction.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#accepting = false
  }
}

async function* allDead(queue: Queue): AsyncGenerator<DeadLetter> {
  let cursor: string | undefined
  do {
    const page = await queue.deadLetters({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    yield* page.items
    cursor = page.cursor
  } while (cursor !== undefined)
}

/** The message is sent before its letter goes: a receiver knows by its id what it has had. */
async function redriveWebhooks(queue: Queue, tenant: string): Promise<number> {
  let count = 0
  for await (const { id, body } of allDead(queue)) {
    if ((JSON.parse(body) as WebhookMessage).tenant === tenant) {
      await queue.send([{ body, group: tenant }])
      await queue.dropDead(id)
      count++
    }
  }
  return count
}

function newJob(tenant: string, submission: Submission): NewJob {
  const { options, pictures, manifest, batch, key, ttlMs = JOB_DEFAULTS.ttlMs } = submission
  return {
    tenant,
    options,
    pictures,
    ttlMs: Math.min(ttlMs, JOB_DEFAULTS.mostTtlMs),
    ...(batch !== undefined && { batch }),
    ...(manifest !== undefined && { manifest }),
    ...(key !== undefined && {
      key: { key, fingerprint: fingerprintOf({ options, pictures, manifest, batch, ttlMs }) },
    }),
  }
}

/** Of the parameters, in whatever order they were written. */
function fingerprintOf(parameters: unknown): string {
  const sorted = JSON.stringify(parameters, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(sorted).digest('hex')
}

const notFound = (): BoxletError =>
  new BoxletError('JOB_NOT_FOUND', 'Expected the id of a job but there is none of it.', {
    hint: 'Ids are those that submitting gave; a job is forgotten when its time is over.',
  })

function withResolvers<T>(): {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
} {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
