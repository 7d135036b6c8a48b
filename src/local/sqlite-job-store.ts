import type {
  Decision,
  FinalState,
  FinishedPicture,
  Job,
  JobError,
  JobPicture,
  PictureRef,
} from '../jobs/job.ts'
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
} from '../jobs/job-store.ts'
import type { Found, SearchQuery } from '../jobs/search.ts'
import { jobOf, pictureOf } from './job-rows.ts'
import type { Row } from './sqlite.ts'
import { accept } from './sqlite-accept.ts'
import { listJobs, listPictures, totalsOf } from './sqlite-lists.ts'
import { noteAnnounced, noteSent, unannouncedJobs, unreadManifests, unsentPictures } from './sqlite-outbox.ts'
import { addPictures, pruneJobs } from './sqlite-pictures.ts'
import { type Progress, refresh, saveFound } from './sqlite-progress.ts'
import { reviewPicture } from './sqlite-review.ts'
import { searchStore } from './sqlite-search.ts'
import type { StoreFile } from './store-file.ts'

/** Jobs in the tables of a store. */
export class SqliteJobStore implements JobStore {
  readonly #file: StoreFile
  readonly #now: () => number

  constructor(file: StoreFile, now: () => number = Date.now) {
    this.#file = file
    this.#now = now
  }

  async accept(jobs: readonly NewJob[]): Promise<Accepted[]> {
    return this.#file.durably(() => jobs.map((job) => accept(this.#file, job, this.#now())))
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    const row = this.#job(tenant, id)
    return row === undefined ? undefined : jobOf(row)
  }

  async list(tenant: string, query: JobQuery): Promise<Page<Job>> {
    return listJobs(this.#file, tenant, query)
  }

  async pictures(tenant: string, id: string, query: PictureQuery): Promise<Page<JobPicture>> {
    const job = this.#job(tenant, id)
    return job === undefined ? { items: [] } : listPictures(this.#file, job.seq as number, query)
  }

  async picture(ref: PictureRef): Promise<JobPicture | undefined> {
    const row = this.#picture(ref)
    return row === undefined ? undefined : pictureOf(row)
  }

  async totals(tenant: string, id: string): Promise<LabelTotal[]> {
    return totalsOf(this.#file, tenant, id)
  }

  async search(tenant: string, query: SearchQuery): Promise<Page<Found>> {
    return searchStore(this.#file, tenant, query)
  }

  async start(ref: PictureRef): Promise<StartedPicture | undefined> {
    return this.#file.transaction(() => {
      const row = this.#picture(ref)
      if (row === undefined || (row.state !== 'queued' && row.state !== 'running')) {
        return undefined
      }
      this.#file.run(
        "UPDATE pictures SET state = 'running', attempts = attempts + 1 WHERE seq = ?",
        row.seq as number,
      )
      this.#file.run(
        "UPDATE jobs SET state = 'running', started = coalesce(started, ?) WHERE seq = ? AND (state = 'queued' OR started IS NULL)",
        this.#now(),
        row.job as number,
      )
      const picture = {
        ...pictureOf(row),
        state: 'running' as const,
        attempts: Number(row.attempts) + 1,
      }
      return { ref, picture, options: JSON.parse(String(row.options)) as StartedPicture['options'] }
    })
  }

  async finish(finished: readonly FinishedPicture[]): Promise<Job[]> {
    return this.#file.transaction(() => finished.flatMap((one) => this.#finishOne(one) ?? []))
  }

  #finishOne({ ref, outcome }: FinishedPicture): Job | undefined {
    const row = this.#picture(ref)
    if (row === undefined || (row.state !== 'queued' && row.state !== 'running')) {
      return undefined
    }
    const now = this.#now()
    if (outcome.state === 'succeeded') {
      saveFound(this.#file, row, outcome.found, now)
    } else {
      this.#file.run(
        "UPDATE pictures SET state = 'failed', finished = ?, error = ?, sent = 1 WHERE seq = ?",
        now,
        JSON.stringify(outcome.error),
        row.seq as number,
      )
    }
    return this.#progress(row.job as number, { [outcome.state]: 1 })
  }

  async release(ref: PictureRef, error: JobError): Promise<void> {
    this.#file.transaction(() => {
      const row = this.#picture(ref)
      if (row?.state === 'running') {
        this.#file.run(
          "UPDATE pictures SET state = 'queued', error = ? WHERE seq = ?",
          JSON.stringify(error),
          row.seq as number,
        )
      }
    })
  }

  async review(ref: PictureRef, decision: Decision | undefined): Promise<JobPicture | undefined> {
    return this.#file.transaction(() => reviewPicture(this.#file, this.#picture(ref), decision, this.#now()))
  }

  async cancel(tenant: string, id: string): Promise<Job | undefined> {
    return this.#file.transaction(() => {
      const job = this.#job(tenant, id)
      if (job === undefined || job.finished !== null) {
        return undefined
      }
      const now = this.#now()
      const { changes } = this.#file.run(
        "UPDATE pictures SET state = 'cancelled', finished = ?, sent = 1 WHERE job = ? AND state IN ('queued', 'running')",
        now,
        job.seq!,
      )
      this.#file.run(
        "UPDATE jobs SET state = 'cancelled', cancelled = cancelled + ?, finished = ? WHERE seq = ?",
        changes,
        now,
        job.seq!,
      )
      return jobOf(this.#job(tenant, id)!)
    })
  }

  async retry(tenant: string, id: string, states: readonly FinalState[]): Promise<number> {
    return this.#file.transaction(() => {
      const job = this.#job(tenant, id)
      if (job === undefined) {
        return 0
      }
      const of = states.filter((state) => state !== 'succeeded')
      const counts: Progress = {}
      for (const state of of) {
        const { changes } = this.#file.run(
          `UPDATE pictures SET state = 'queued', sent = 0, finished = NULL, error = NULL
           WHERE job = ? AND state = ? AND source NOT LIKE '{"kind":"none"%'`,
          job.seq!,
          state,
        )
        counts[state] = -changes
      }
      const again = Object.values(counts).reduce((sum, count) => sum - count, 0)
      if (again > 0 || (of.includes('cancelled') && job.state === 'cancelled' && job.manifest !== null)) {
        this.#progress(job.seq as number, counts)
      }
      return again
    })
  }

  async revive(ref: PictureRef): Promise<boolean> {
    return this.#file.transaction(() => {
      const row = this.#picture(ref)
      if (row?.state !== 'failed') {
        return false
      }
      this.#file.run(
        "UPDATE pictures SET state = 'queued', sent = 0, finished = NULL, error = NULL WHERE seq = ?",
        row.seq as number,
      )
      this.#progress(row.job as number, { failed: -1 })
      return true
    })
  }

  async unsent(limit: number): Promise<Unsent[]> {
    return unsentPictures(this.#file, limit)
  }

  async sent(sent: readonly Pick<Unsent, 'ref' | 'note'>[]): Promise<void> {
    this.#file.transaction(() => noteSent(this.#file, sent))
  }

  async unannounced(limit: number): Promise<Job[]> {
    return unannouncedJobs(this.#file, limit)
  }

  async announced(jobs: readonly Pick<Job, 'tenant' | 'id'>[]): Promise<void> {
    this.#file.transaction(() => noteAnnounced(this.#file, jobs))
  }

  async unread(limit: number): Promise<UnreadManifest[]> {
    return unreadManifests(this.#file, limit)
  }

  async expand(
    { tenant, job: id, position }: UnreadManifest,
    pictures: readonly NewPicture[],
    to: ManifestPosition | undefined,
  ): Promise<boolean> {
    return this.#file.transaction(() => {
      const job = this.#job(tenant, id)
      if (job === undefined || job.finished !== null || job.manifest !== JSON.stringify(position)) {
        return false
      }
      const failed = addPictures(
        this.#file,
        { seq: job.seq as number, tenant },
        pictures,
        Number(job.total),
        this.#now(),
      )
      this.#file.run(
        'UPDATE jobs SET total = total + ?, manifest = ? WHERE seq = ?',
        pictures.length,
        to === undefined ? null : JSON.stringify(to),
        job.seq!,
      )
      this.#progress(job.seq as number, { failed })
      return true
    })
  }

  async saveModel(key: string, model: StoredModel): Promise<void> {
    this.#file.run('INSERT OR IGNORE INTO models (key, model) VALUES (?, ?)', key, JSON.stringify(model))
  }

  async model(key: string): Promise<StoredModel | undefined> {
    const row = this.#file.get('SELECT model FROM models WHERE key = ?', key)
    return row === undefined ? undefined : (JSON.parse(String(row.model)) as StoredModel)
  }

  async prune(limit: number): Promise<number> {
    return this.#file.transaction(() => pruneJobs(this.#file, this.#now(), limit))
  }

  async usesBlob(key: string): Promise<boolean> {
    return this.#file.get('SELECT 1 FROM blobs WHERE key = ? LIMIT 1', key) !== undefined
  }

  async close(): Promise<void> {
    this.#file.close()
  }

  #job(tenant: string, id: string): Row | undefined {
    return this.#file.get('SELECT * FROM jobs WHERE id = ? AND tenant = ?', id, tenant)
  }

  #picture({ tenant, job, n }: PictureRef): Row | undefined {
    return this.#file.get(
      `SELECT p.*, j.options FROM jobs j JOIN pictures p ON p.job = j.seq
       WHERE j.id = ? AND j.tenant = ? AND p.n = ?`,
      job,
      tenant,
      n,
    )
  }

  /** @returns the job where it has ended by this */
  #progress(seq: number, counts: Progress): Job | undefined {
    const row = refresh(this.#file, seq, counts, this.#now())
    return row === undefined ? undefined : jobOf(row)
  }
}
