import { timePrefix } from '../../jobs/id.ts'
import type {
  Decision,
  FinalState,
  FinishedPicture,
  Job,
  JobError,
  JobPicture,
  PictureRef,
} from '../../jobs/job.ts'
import type {
  Accepted,
  JobQuery,
  JobStore,
  LabelTotal,
  ManifestPosition,
  NewJob,
  NewPicture,
  Page,
  PictureQuery,
  StartedPicture,
  StoredModel,
  UnreadManifest,
  Unsent,
} from '../../jobs/job-store.ts'
import type { Found, SearchQuery } from '../../jobs/search.ts'
import { accept } from './accept.ts'
import { readCounters, totalsOf } from './counters.ts'
import { expand, unreadOf } from './expand.ts'
import type { Item } from './item.ts'
import { JobReader } from './job-reader.ts'
import {
  batchIndexKey,
  blobKey,
  ENDED,
  jobsOf,
  markKey,
  modelKey,
  outboxKey,
  pictureKey,
  stateIndexKey,
} from './keys.ts'
import { takeOut, unsentOf } from './outbox.ts'
import { type LargeResults, PictureItems } from './picture-items.ts'
import { picturesOf } from './picture-pages.ts'
import { Progress } from './progress.ts'
import { pruneTable } from './prune.ts'
import { Reopening } from './reopen.ts'
import { searchTable } from './search.ts'
import type { QueryOptions, Table } from './table.ts'

/** Jobs in one DynamoDB table, see `keys.ts`. */
export class DynamoJobStore implements JobStore {
  readonly #table: Table
  readonly #now: () => number
  readonly #jobs: JobReader
  readonly #pictures: PictureItems
  readonly #progress: Progress
  readonly #reopening: Reopening

  /** @param large takes results that are too large for an item */
  constructor(table: Table, large: LargeResults, now: () => number = Date.now) {
    this.#table = table
    this.#now = now
    this.#jobs = new JobReader(table, now)
    this.#pictures = new PictureItems(large)
    this.#progress = new Progress(table, this.#jobs, this.#pictures, now)
    this.#reopening = new Reopening(table, this.#jobs, now)
  }

  /** Each job is made as a whole, or not at all; the jobs of one call are made one after the other. */
  async accept(jobs: readonly NewJob[]): Promise<Accepted[]> {
    const accepted: Accepted[] = []
    for (const job of jobs) {
      const made = await accept(this.#table, this.#jobs, job, this.#now())
      const isOver = made.outcome === 'created' && job.manifest === undefined
      const nothingLeft = isOver && job.pictures.every(({ source }) => source.kind === 'none')
      const ended = nothingLeft ? await this.#progress.complete(job.tenant, made.job.id) : undefined
      accepted.push(ended === undefined ? made : { outcome: 'created', job: ended })
    }
    return accepted
  }

  get(tenant: string, id: string): Promise<Job | undefined> {
    return this.#jobs.get(tenant, id)
  }

  async list(tenant: string, query: JobQuery): Promise<Page<Job>> {
    const { states, batch, since, until, limit, cursor } = query
    const before = cursor ?? (until === undefined ? undefined : timePrefix(until))
    const range = { descending: true, page: limit + 1, from: since === undefined ? '0' : timePrefix(since) }
    const wanted = (item: Item): boolean =>
      !this.#jobs.isOver(item) &&
      (before === undefined || String(item.sk) < before) &&
      (states === undefined ||
        batch === undefined ||
        (states as readonly string[]).includes(String(item.jobState)))
    const read = async (options: QueryOptions): Promise<Item[]> => {
      const items: Item[] = []
      for await (const item of this.#table.query({ ...options, ...range, to: before ?? 'z' })) {
        if (wanted(item)) {
          items.push(item)
        }
        if (items.length > limit) {
          break
        }
      }
      return items
    }
    const index = (name: string) => ({ index: { name, pk: name, sk: 'sk' } })
    const parts =
      batch !== undefined
        ? [await read({ pk: batchIndexKey(tenant, batch), ...index('byBatch') })]
        : states !== undefined
          ? await Promise.all(
              states.map((state) => read({ pk: stateIndexKey(tenant, state), ...index('byState') })),
            )
          : [await read({ pk: jobsOf(tenant) })]
    const items = parts.flat().sort((a, b) => (String(a.sk) < String(b.sk) ? 1 : -1))
    const page = await Promise.all(items.slice(0, limit).map((item) => this.#jobs.whole(item)))
    return { items: page, ...(items.length > limit && { cursor: page.at(-1)!.id }) }
  }

  async pictures(tenant: string, id: string, query: PictureQuery): Promise<Page<JobPicture>> {
    const job = await this.#jobs.item(tenant, id)
    return job === undefined ? { items: [] } : picturesOf(this.#table, this.#pictures, job, query)
  }

  async picture(ref: PictureRef): Promise<JobPicture | undefined> {
    const [job, item] = await Promise.all([
      this.#jobs.item(ref.tenant, ref.job),
      this.#table.get(pictureKey(ref)),
    ])
    return job === undefined || item === undefined
      ? undefined
      : this.#pictures.read(item, job.jobState === 'cancelled')
  }

  async totals(tenant: string, id: string): Promise<LabelTotal[]> {
    const job = await this.#jobs.item(tenant, id)
    return job === undefined ? [] : totalsOf(await readCounters(this.#table, tenant, id))
  }

  search(tenant: string, query: SearchQuery): Promise<Page<Found>> {
    return searchTable(this.#table, this.#pictures, tenant, query)
  }

  start(ref: PictureRef): Promise<StartedPicture | undefined> {
    return this.#progress.start(ref)
  }

  finish(finished: readonly FinishedPicture[]): Promise<Job[]> {
    return this.#progress.finish(finished)
  }

  async release(ref: PictureRef, error: JobError): Promise<void> {
    await this.#table.write({
      kind: 'update',
      key: pictureKey(ref),
      set: 'SET lastError = :error',
      values: { ':queued': 'queued', ':error': JSON.stringify(error) },
      condition: 'pictureState = :queued',
    })
  }

  cancel(tenant: string, id: string): Promise<Job | undefined> {
    return this.#reopening.cancel(tenant, id)
  }

  async retry(tenant: string, id: string, states: readonly FinalState[]): Promise<number> {
    const count = await this.#reopening.retry(tenant, id, states)
    if (count === 0) {
      // One that was opened and has nothing left to do ends again.
      await this.#progress.complete(tenant, id)
    }
    return count
  }

  revive(ref: PictureRef): Promise<boolean> {
    return this.#reopening.revive(ref)
  }

  unsent(limit: number): Promise<Unsent[]> {
    return unsentOf(this.#table, limit)
  }

  async sent(sent: readonly Pick<Unsent, 'ref' | 'note'>[]): Promise<void> {
    const byEntry = new Map<string, Set<number>>()
    for (const { ref, note = outboxKey(ref.job, 0).sk } of sent) {
      byEntry.set(note, (byEntry.get(note) ?? new Set()).add(ref.n))
    }
    for (const [entry, numbers] of byEntry) {
      await takeOut(this.#table, entry, numbers)
    }
  }

  async review(ref: PictureRef, decision: Decision | undefined): Promise<JobPicture | undefined> {
    const review = decision === undefined ? null : { decision, at: this.#now() }
    const item = await this.#table.write({
      kind: 'update',
      key: pictureKey(ref),
      set: 'SET review = :review',
      values: { ':review': JSON.stringify(review), ':done': 'succeeded' },
      condition: 'pictureState = :done',
    })
    return item === false ? undefined : this.picture(ref)
  }

  async unannounced(limit: number): Promise<Job[]> {
    const jobs: Job[] = []
    for await (const { tenant, job } of this.#table.query({ pk: ENDED, page: limit })) {
      const ended = await this.#jobs.get(String(tenant), String(job))
      if (ended?.finishedAt !== undefined) {
        jobs.push(ended)
      }
      if (jobs.length === limit) {
        break
      }
    }
    return jobs
  }

  async announced(jobs: readonly (Pick<Job, 'tenant' | 'id'> & Partial<Job>)[]): Promise<void> {
    for (const { tenant, id, finishedAt } of jobs) {
      // A job that has gone on and ended again meanwhile is to be told of again.
      const sameEnd = finishedAt !== undefined && {
        condition: 'finishedAt = :at',
        values: { ':at': finishedAt },
      }
      await this.#table.write({ kind: 'delete', key: markKey(ENDED, tenant, id), ...sameEnd })
    }
  }

  unread(limit: number): Promise<UnreadManifest[]> {
    return unreadOf(this.#table, this.#jobs, limit)
  }

  async expand(
    manifest: UnreadManifest,
    pictures: readonly NewPicture[],
    to: ManifestPosition | undefined,
  ): Promise<boolean> {
    const done = await expand(this.#table, this.#jobs, manifest, pictures, to, this.#now())
    if (done && to === undefined) {
      await this.#progress.complete(manifest.tenant, manifest.job)
    }
    return done
  }

  async saveModel(key: string, model: StoredModel): Promise<void> {
    await this.#table.write({
      kind: 'put',
      item: { ...modelKey(key), key, model: JSON.stringify(model) },
      condition: 'attribute_not_exists(pk)',
    })
  }

  async model(key: string): Promise<StoredModel | undefined> {
    const item = await this.#table.get(modelKey(key))
    return item === undefined ? undefined : (JSON.parse(String(item.model)) as StoredModel)
  }

  prune(limit: number): Promise<number> {
    return pruneTable(this.#table, limit, this.#now())
  }

  async usesBlob(key: string): Promise<boolean> {
    return (await this.#table.get(blobKey(key))) !== undefined
  }

  async close(): Promise<void> {
    this.#table.close()
  }
}
