import { type FinishedPicture, isFinal, type Job, type PictureRef, stateOf } from '../../jobs/job.ts'
import type { StartedPicture } from '../../jobs/job-store.ts'
import { type Counts, countsOf, readCounters } from './counters.ts'
import type { Item } from './item.ts'
import { jobOf } from './job-items.ts'
import type { JobReader } from './job-reader.ts'
import { ENDED, jobKey, markKey, pictureKey, stateIndexKey } from './keys.ts'
import { newTag, type Part, partsOf, writesBefore, writesTogether } from './outcomes.ts'
import type { PictureItems } from './picture-items.ts'
import type { Table } from './table.ts'

/** What of a job never changes, so that nothing is read twice. */
interface Known {
  expiresAt: number
  shards: number
}
const MOST_KNOWN = 1000
/** Nothing works faster than this, so that a job with many pictures left cannot end sooner. */
const MOST_PICTURES_A_SECOND = 5000
/** The way of a picture from its start to its outcome, and of its job with it. */
export class Progress {
  readonly #table: Table
  readonly #jobs: JobReader
  readonly #pictures: PictureItems
  readonly #now: () => number
  readonly #known = new Map<string, Known>()
  /** Until when a job cannot have ended, by what was left of it. */
  readonly #nextLook = new Map<string, number>()

  constructor(table: Table, jobs: JobReader, pictures: PictureItems, now: () => number) {
    this.#table = table
    this.#jobs = jobs
    this.#pictures = pictures
    this.#now = now
  }

  async start(ref: PictureRef): Promise<StartedPicture | undefined> {
    const job = await this.#jobs.item(ref.tenant, ref.job)
    if (job === undefined || job.finishedAt !== undefined) {
      return undefined
    }
    // Not written: the queue counts the tries, and tells them with the outcome.
    const item = await this.#table.get(pictureKey(ref))
    if (item?.pictureState !== 'queued') {
      // Whoever had it last may have died before it saw that the job was done.
      await this.complete(ref.tenant, ref.job)
      return undefined
    }
    if (job.startedAt === undefined) {
      await this.#begin(ref)
    }
    this.#remember(ref, { expiresAt: Number(job.expiresAt), shards: Number(job.shards) })
    const options = JSON.parse(String(job.jobOptions)) as StartedPicture['options']
    const picture = await this.#pictures.read(item, false)
    const { sequencer } = item
    return { ref, picture, options, ...(sequencer !== undefined && { sequencer: String(sequencer) }) }
  }

  async finish(finished: readonly FinishedPicture[]): Promise<Job[]> {
    const ended: Job[] = []
    for (const part of partsOf(finished)) {
      const job = await this.#finishPart(part)
      if (job !== undefined) {
        ended.push(job)
      }
    }
    return ended
  }

  /** Pictures of one job. Those that have their outcome already are left out, whoever has brought it. */
  async #finishPart(finished: readonly FinishedPicture[]): Promise<Job | undefined> {
    const { tenant, job: id } = finished[0]!.ref
    const known = await this.#recall(finished[0]!.ref)
    if (known === undefined) {
      return undefined
    }
    const pictures = await Promise.all(
      finished.map(async (one) =>
        one.outcome.state === 'failed'
          ? one
          : { ...one, packed: await this.#pictures.pack(one.outcome.found) },
      ),
    )
    const part: Part = { job: { tenant, id, ...known }, at: this.#now(), tag: newTag(), pictures }
    await this.#table.writeAll(writesBefore(part))
    let left: Part['pictures'] = pictures
    while (left.length > 0) {
      const broken = await this.#table.transact(writesTogether({ ...part, pictures: left }))
      if (broken.length === 0) {
        return this.complete(tenant, id)
      }
      // The last write is that of the counters, which are shut with their job.
      left = broken.includes(left.length) ? [] : left.filter((_, index) => !broken.includes(index))
    }
    return undefined
  }

  /**
   * Ends a job of which nothing is left.
   *
   * @returns the job where it has ended by this
   */
  async complete(tenant: string, id: string): Promise<Job | undefined> {
    const started = this.#now()
    if (started < (this.#nextLook.get(id) ?? 0)) {
      return undefined
    }
    // Before the counters: what changes after it makes the condition below fail.
    const item = await this.#jobs.item(tenant, id)
    if (item === undefined || item.finishedAt !== undefined) {
      return undefined
    }
    const counts = countsOf(await readCounters(this.#table, tenant, id))
    const left = this.#left(item, counts)
    if (left > 0) {
      this.#look(id, started + Math.floor((1000 * (left - 1)) / MOST_PICTURES_A_SECOND))
      return undefined
    }
    const state = stateOf({ total: Number(item.pictureTotal), ...counts }, item.manifestAt === undefined)
    if (!isFinal(state)) {
      return undefined
    }
    const finishedAt = this.#now()
    const ended = { ...item, jobState: state, finishedAt, ...counts }
    const broken = await this.#table.transact([
      {
        kind: 'update',
        key: jobKey(tenant, id),
        set: 'SET jobState = :state, byState = :byState, finishedAt = :at, succeeded = :s, failed = :f, cancelled = :c ADD revision :one',
        values: {
          ':state': state,
          ':byState': stateIndexKey(tenant, state),
          ':at': finishedAt,
          ':s': counts.succeeded,
          ':f': counts.failed,
          ':c': counts.cancelled,
          ':one': 1,
          ':revision': Number(item.revision),
        },
        condition: 'revision = :revision AND attribute_not_exists(finishedAt)',
      },
      {
        kind: 'put',
        item: { ...markKey(ENDED, tenant, id), tenant, job: id, finishedAt, ttl: Number(item.ttl) },
      },
    ])
    this.#nextLook.delete(id)
    return broken.length > 0 ? undefined : jobOf(ended, counts)
  }

  #left(item: Item, { succeeded, failed, cancelled }: Counts): number {
    const left = Number(item.pictureTotal) - succeeded - failed - cancelled
    return item.manifestAt === undefined ? left : Math.max(1, left)
  }

  #look(id: string, at: number): void {
    if (this.#nextLook.size >= MOST_KNOWN) {
      this.#nextLook.clear()
    }
    this.#nextLook.set(id, at)
  }

  async #begin({ tenant, job }: PictureRef): Promise<void> {
    await this.#table.write({
      kind: 'update',
      key: jobKey(tenant, job),
      set: 'SET jobState = :running, byState = :byState, startedAt = :now',
      values: { ':running': 'running', ':byState': stateIndexKey(tenant, 'running'), ':now': this.#now() },
      condition:
        'attribute_exists(pk) AND attribute_not_exists(startedAt) AND attribute_not_exists(finishedAt)',
    })
  }

  #remember(ref: PictureRef, known: Known): void {
    if (this.#known.size >= MOST_KNOWN) {
      this.#known.clear()
    }
    this.#known.set(nameOf(ref), known)
  }

  async #recall(ref: PictureRef): Promise<Known | undefined> {
    const known = this.#known.get(nameOf(ref))
    if (known !== undefined) {
      return known
    }
    const job = await this.#jobs.item(ref.tenant, ref.job)
    return job === undefined ? undefined : { expiresAt: Number(job.expiresAt), shards: Number(job.shards) }
  }
}

const nameOf = ({ tenant, job }: PictureRef): string => `${tenant} ${job}`
