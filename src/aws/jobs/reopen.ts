import type { FinalState, Job, PictureRef } from '../../jobs/job.ts'
import { groupOf } from './accept.ts'
import { countsOf, countWrite, gateWrites, type JobCounters, readCounters } from './counters.ts'
import type { Item } from './item.ts'
import { jobOf } from './job-items.ts'
import type { JobReader } from './job-reader.ts'
import {
  chunkOf,
  chunkPartition,
  ENDED,
  failuresPartition,
  jobKey,
  markKey,
  outboxKey,
  pictureKey,
  stateIndexKey,
  UNREAD,
} from './keys.ts'
import { entriesOfJob, rangesOf } from './outbox.ts'
import { newTag } from './outcomes.ts'
import type { Table, Write } from './table.ts'

/** Pictures of one transaction, with room for the job and its counters. */
const AT_ONCE = 60
/** Calls under way at once. */
const PARALLEL = 16
const NOT_READABLE = '{"kind":"none"'

/** Jobs that end before their pictures do, and pictures that get another chance. */
export class Reopening {
  readonly #table: Table
  readonly #jobs: JobReader
  readonly #now: () => number

  constructor(table: Table, jobs: JobReader, now: () => number) {
    this.#table = table
    this.#jobs = jobs
    this.#now = now
  }

  /** Shuts the counters and ends the job at once; the items of its pictures stay as they are. */
  async cancel(tenant: string, id: string): Promise<Job | undefined> {
    const item = await this.#jobs.item(tenant, id)
    if (item === undefined || item.finishedAt !== undefined) {
      return undefined
    }
    const entries = await entriesOfJob(this.#table, id)
    const finishedAt = this.#now()
    const broken = await this.#table.transact([
      {
        kind: 'update',
        key: jobKey(tenant, id),
        set: 'SET jobState = :state, byState = :byState, finishedAt = :at ADD revision :one',
        values: {
          ':state': 'cancelled',
          ':byState': stateIndexKey(tenant, 'cancelled'),
          ':at': finishedAt,
          ':one': 1,
        },
        condition: 'attribute_not_exists(finishedAt)',
      },
      ...gateWrites(countersFor(item), true),
      {
        kind: 'put',
        item: { ...markKey(ENDED, tenant, id), tenant, job: id, finishedAt, ttl: Number(item.ttl) },
      },
      { kind: 'delete', key: markKey(UNREAD, tenant, id) },
    ])
    if (broken.length > 0) {
      return undefined
    }
    await this.#table.writeAll(entries.map((key) => ({ kind: 'delete', key })))
    const counts = countsOf(await readCounters(this.#table, tenant, id))
    const { succeeded, failed } = counts
    await this.#table.write({
      kind: 'update',
      key: jobKey(tenant, id),
      set: 'SET succeeded = :s, failed = :f',
      values: { ':s': succeeded, ':f': failed, ':at': finishedAt },
      condition: 'finishedAt = :at',
    })
    const ended = await this.#jobs.item(tenant, id)
    return ended === undefined ? undefined : jobOf(ended, counts)
  }

  async retry(tenant: string, id: string, states: readonly FinalState[]): Promise<number> {
    let item = await this.#jobs.item(tenant, id)
    if (item === undefined) {
      return 0
    }
    const goOn = states.includes('cancelled')
    const failed: number[] = []
    if (states.includes('failed')) {
      for await (const n of this.#failed(tenant, id)) {
        failed.push(n)
      }
    }
    let count = 0
    if (item.jobState === 'cancelled') {
      if (!goOn && failed.length === 0) {
        return 0
      }
      count += await this.#openCancelled(item, goOn)
      item = { ...item, jobState: 'running' }
    }
    count += await this.#again(item, 'failed', failed)
    const { cancelled } = countsOf(await readCounters(this.#table, tenant, id))
    return (
      count +
      (goOn && cancelled > 0 ? await this.#again(item, 'cancelled', this.#inState(item, 'cancelled')) : 0)
    )
  }

  async revive(ref: PictureRef): Promise<boolean> {
    const item = await this.#jobs.item(ref.tenant, ref.job)
    const picture = item === undefined ? undefined : await this.#table.get(pictureKey(ref))
    if (item === undefined || picture?.pictureState !== 'failed') {
      return false
    }
    return (await this.#queueAgain(item, 'failed', [ref.n])) > 0
  }

  /**
   * Opens a cancelled job. Pictures that had not ended go on, or are cancelled one by one so that the job may go on
   * without them.
   *
   * @returns how many go on
   */
  async #openCancelled(item: Item, goOn: boolean): Promise<number> {
    const counters = countersFor(item)
    const open: number[] = []
    for await (const n of this.#inState(item, 'queued')) {
      open.push(n)
    }
    if (!goOn) {
      const parts = Array.from({ length: Math.ceil(open.length / AT_ONCE) }, (_, i) =>
        open.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
      )
      for (let start = 0; start < parts.length; start += PARALLEL) {
        await Promise.all(parts.slice(start, start + PARALLEL).map((part) => this.#cancelEach(item, part)))
      }
    }
    await this.#table.transact([
      this.#reopen(item),
      ...gateWrites(counters, false),
      ...(goOn && open.length > 0 ? [this.#outbox(item, open)] : []),
      ...unread(item),
    ])
    return goOn ? open.length : 0
  }

  /** While the counters are shut, so that a call that breaks off is gone on with by the next. */
  async #cancelEach(item: Item, numbers: readonly number[]): Promise<void> {
    const [tenant, job] = [String(item.tenant), String(item.sk)]
    const broken = await this.#table.transact([
      ...numbers.map((n) => ({
        kind: 'update' as const,
        key: pictureKey({ tenant, job, n }),
        set: 'SET pictureState = :cancelled, finishedAt = :now',
        values: { ':cancelled': 'cancelled', ':now': this.#now(), ':queued': 'queued' },
        condition: 'pictureState = :queued',
      })),
      countWrite(countersFor(item), { cancelled: numbers.length }, { shut: true }),
    ])
    const left = numbers.filter((_, index) => !broken.includes(index))
    // Others do the same; where the counters are open they have done it.
    if (broken.length > 0 && !broken.includes(numbers.length) && left.length > 0) {
      await this.#cancelEach(item, left)
    }
  }

  /** Queues pictures of one final state again, some in a transaction. @returns how many */
  async #again(
    item: Item,
    state: 'failed' | 'cancelled',
    numbers: Iterable<number> | AsyncIterable<number>,
  ): Promise<number> {
    let count = 0
    let some: number[] = []
    for await (const n of numbers) {
      some.push(n)
      if (some.length === AT_ONCE) {
        count += await this.#queueAgain(item, state, some)
        some = []
      }
    }
    return count + (some.length > 0 ? await this.#queueAgain(item, state, some) : 0)
  }

  async #queueAgain(item: Item, state: 'failed' | 'cancelled', numbers: readonly number[]): Promise<number> {
    const tenant = String(item.tenant)
    const id = String(item.sk)
    const broken = await this.#table.transact([
      ...numbers.map((n) => ({
        kind: 'update' as const,
        key: pictureKey({ tenant, job: id, n }),
        set: 'SET pictureState = :queued REMOVE finishedAt, lastError',
        values: { ':queued': 'queued', ':state': state },
        condition: 'pictureState = :state',
      })),
      countWrite(countersFor(item), { [state]: -numbers.length }),
      this.#reopen(item),
      this.#outbox(item, numbers),
    ])
    if (broken.length === 0) {
      return numbers.length
    }
    let queued = 0
    for (const n of numbers.length === 1 ? [] : numbers) {
      queued += await this.#queueAgain(item, state, [n])
    }
    return queued
  }

  #reopen({ tenant, sk }: Item): Write {
    const state = 'running'
    return {
      kind: 'update',
      key: jobKey(String(tenant), String(sk)),
      set: 'SET jobState = :state, byState = :byState REMOVE finishedAt, succeeded, failed, cancelled ADD revision :one',
      values: { ':state': state, ':byState': stateIndexKey(String(tenant), state), ':one': 1 },
      condition: 'attribute_exists(pk)',
    }
  }

  #outbox(item: Item, numbers: readonly number[]): Write {
    const tenant = String(item.tenant)
    const id = String(item.sk)
    return {
      kind: 'put',
      item: {
        ...outboxKey(id, numbers[0]!, `#${newTag()}`),
        tenant,
        job: id,
        ranges: rangesOf(numbers),
        group: groupOf(tenant, id, Number(item.pictureTotal)),
        ttl: Number(item.ttl),
      },
    }
  }

  async *#failed(tenant: string, id: string): AsyncGenerator<number> {
    const numbers: number[] = []
    for await (const { n } of this.#table.query({ pk: failuresPartition(tenant, id) })) {
      numbers.push(Number(n))
    }
    const items = await this.#table.getAll(numbers.map((n) => pictureKey({ tenant, job: id, n })))
    for (const item of items) {
      if (item?.pictureState === 'failed' && !String(item.pictureSource).startsWith(NOT_READABLE)) {
        yield Number(item.n)
      }
    }
  }

  async *#inState(item: Item, state: string): AsyncGenerator<number> {
    const last = chunkOf(Math.max(0, Number(item.pictureTotal) - 1))
    for (let chunk = 0; chunk <= last; chunk += PARALLEL) {
      const some = Array.from({ length: Math.min(PARALLEL, last + 1 - chunk) }, (_, i) => chunk + i)
      for (const numbers of await Promise.all(some.map((one) => this.#inChunk(item, one, state)))) {
        yield* numbers
      }
    }
  }

  async #inChunk(item: Item, chunk: number, state: string): Promise<number[]> {
    const pk = chunkPartition(String(item.tenant), String(item.sk), chunk)
    const numbers: number[] = []
    for await (const picture of this.#table.query({ pk })) {
      if (picture.pictureState === state) {
        numbers.push(Number(picture.n))
      }
    }
    return numbers
  }
}

const countersFor = (item: Item): JobCounters => ({
  tenant: String(item.tenant),
  id: String(item.sk),
  shards: Number(item.shards),
  ttl: Number(item.ttl),
})

function unread(item: Item): Write[] {
  const tenant = String(item.tenant)
  const id = String(item.sk)
  return item.manifestAt === undefined
    ? []
    : [{ kind: 'put', item: { ...markKey(UNREAD, tenant, id), tenant, job: id, ttl: Number(item.ttl) } }]
}
