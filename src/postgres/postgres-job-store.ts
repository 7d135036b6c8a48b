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
import { jobOf, pictureOf } from '../local/job-rows.ts'
import type { Database } from './database.ts'
import { acceptJobs } from './postgres-accept.ts'
import { cancelJob, retryJob } from './postgres-cancel.ts'
import { jobRow, listJobs, listPictures, totalsOf } from './postgres-lists.ts'
import { addPictures, removeJobs } from './postgres-pictures.ts'
import { refresh, saveFound } from './postgres-progress.ts'
import { searchStore } from './postgres-search.ts'

/** From this many pictures on a job waits in a line of its own, so that single pictures pass it. */
const OWN_GROUP = 16

/** The picture of a reference whose work is not done, as `WHERE` behind `FROM jobs j`. */
const OPEN = `j.tenant = $1 AND j.id = $2 AND p.job = j.seq AND p.n = $3 AND p.state IN ('queued', 'running')`

/** Jobs in tables that several machines share. */
export class PostgresJobStore implements JobStore {
  readonly #database: Database
  readonly #now: () => number

  constructor(database: Database, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  accept(jobs: readonly NewJob[]): Promise<Accepted[]> {
    return this.#database.durably((asking) => acceptJobs(asking, jobs, this.#now()))
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    const row = await jobRow(this.#database, tenant, id)
    return row === undefined ? undefined : jobOf(row)
  }

  list(tenant: string, query: JobQuery): Promise<Page<Job>> {
    return listJobs(this.#database, tenant, query)
  }

  pictures(tenant: string, id: string, query: PictureQuery): Promise<Page<JobPicture>> {
    return listPictures(this.#database, tenant, id, query)
  }

  totals(tenant: string, id: string): Promise<LabelTotal[]> {
    return totalsOf(this.#database, tenant, id)
  }

  async picture({ tenant, job, n }: PictureRef): Promise<JobPicture | undefined> {
    const row = await this.#database.get(
      'SELECT p.* FROM jobs j JOIN pictures p ON p.job = j.seq WHERE j.tenant = $1 AND j.id = $2 AND p.n = $3',
      tenant,
      job,
      n,
    )
    return row === undefined ? undefined : pictureOf(row)
  }

  search(tenant: string, query: SearchQuery): Promise<Page<Found>> {
    return searchStore(this.#database, tenant, query)
  }

  async start(ref: PictureRef): Promise<StartedPicture | undefined> {
    const row = await this.#database.get(
      `UPDATE pictures p SET state = 'running', attempts = attempts + 1 FROM jobs j WHERE ${OPEN}
       RETURNING p.*, j.options, j.started, j.state AS job_state`,
      ref.tenant,
      ref.job,
      ref.n,
    )
    if (row === undefined) {
      return undefined
    }
    if (row.started === null || row.job_state === 'queued') {
      await this.#database.run(
        `UPDATE jobs SET state = 'running', started = coalesce(started, $2)
         WHERE seq = $1 AND finished IS NULL AND (state = 'queued' OR started IS NULL)`,
        Number(row.job),
        this.#now(),
      )
    }
    const options = JSON.parse(String(row.options)) as StartedPicture['options']
    return { ref, picture: pictureOf(row), options }
  }

  /** Each in a transaction of its own, so that two workers never wait for each other's jobs. */
  async finish(finished: readonly FinishedPicture[]): Promise<Job[]> {
    const ended: Job[] = []
    for (const one of finished) {
      const job = await this.#finishOne(one)
      if (job !== undefined) {
        ended.push(job)
      }
    }
    return ended
  }

  #finishOne({ ref, outcome }: FinishedPicture): Promise<Job | undefined> {
    return this.#database.transaction(async (asking) => {
      const now = this.#now()
      const found = outcome.state === 'succeeded' ? outcome.found : undefined
      const row = await asking.get(
        `UPDATE pictures p SET state = $4, finished = $5, sent = true, error = $6, found = $7, model = $8,
           verdict = $9, uncertain = $10
         FROM jobs j WHERE ${OPEN} RETURNING p.*`,
        ref.tenant,
        ref.job,
        ref.n,
        outcome.state,
        now,
        outcome.state === 'failed' ? JSON.stringify(outcome.error) : null,
        found === undefined ? null : JSON.stringify(found),
        found?.model ?? null,
        found?.verdict?.verdict ?? null,
        found?.uncertain ? true : null,
      )
      if (row === undefined) {
        return undefined
      }
      if (found !== undefined) {
        await saveFound(asking, row, found, now)
      }
      return refresh(asking, Number(row.job), { [outcome.state]: 1 }, now)
    })
  }

  async release({ tenant, job, n }: PictureRef, error: JobError): Promise<void> {
    await this.#database.run(
      `UPDATE pictures p SET state = 'queued', error = $4 FROM jobs j
       WHERE j.tenant = $1 AND j.id = $2 AND p.job = j.seq AND p.n = $3 AND p.state = 'running'`,
      tenant,
      job,
      n,
      JSON.stringify(error),
    )
  }

  review({ tenant, job, n }: PictureRef, decision: Decision | undefined): Promise<JobPicture | undefined> {
    return this.#database.transaction(async (asking) => {
      const row = await asking.get(
        `SELECT p.* FROM pictures p JOIN jobs j ON j.seq = p.job
         WHERE j.tenant = $1 AND j.id = $2 AND p.n = $3 FOR UPDATE OF p`,
        tenant,
        job,
        n,
      )
      const { found, ...picture } = row === undefined ? {} : pictureOf(row)
      if (row === undefined || found === undefined) {
        return undefined
      }
      const { review: _, ...before } = found
      const after = { ...before, ...(decision !== undefined && { review: { decision, at: this.#now() } }) }
      await asking.run(
        'UPDATE pictures SET found = $2 WHERE seq = $1',
        Number(row.seq),
        JSON.stringify(after),
      )
      return { ...(picture as JobPicture), found: after }
    })
  }

  cancel(tenant: string, id: string): Promise<Job | undefined> {
    return this.#database.transaction((asking) => cancelJob(asking, tenant, id, this.#now()))
  }

  retry(tenant: string, id: string, states: readonly FinalState[]): Promise<number> {
    return this.#database.transaction((asking) => retryJob(asking, tenant, id, states, this.#now()))
  }

  revive({ tenant, job, n }: PictureRef): Promise<boolean> {
    return this.#database.transaction(async (asking) => {
      const row = await asking.get(
        `UPDATE pictures p SET state = 'queued', sent = false, finished = NULL, error = NULL FROM jobs j
         WHERE j.tenant = $1 AND j.id = $2 AND p.job = j.seq AND p.n = $3 AND p.state = 'failed' RETURNING p.job`,
        tenant,
        job,
        n,
      )
      if (row !== undefined) {
        await refresh(asking, Number(row.job), { failed: -1 }, this.#now())
      }
      return row !== undefined
    })
  }

  async unsent(limit: number): Promise<Unsent[]> {
    const rows = await this.#database.all(
      `SELECT p.n, p.tenant, p.attempts, j.id, j.total FROM pictures p JOIN jobs j ON j.seq = p.job
       WHERE NOT p.sent ORDER BY p.seq LIMIT $1`,
      limit,
    )
    return rows.map(({ n, tenant, attempts, id, total }) => ({
      ref: { tenant: String(tenant), job: String(id), n: Number(n) },
      group: Number(total) >= OWN_GROUP ? `${tenant}/${id}` : String(tenant),
      note: String(attempts),
    }))
  }

  /** One that is queued after a try was queued again, and waits for another message. */
  async sent(sent: readonly Pick<Unsent, 'ref' | 'note'>[]): Promise<void> {
    await this.#database.run(
      `UPDATE pictures p SET sent = true
       FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[]) AS told (tenant, job, n, attempts), jobs j
       WHERE j.tenant = told.tenant AND j.id = told.job AND p.job = j.seq AND p.n = told.n
         AND (p.state <> 'queued' OR p.attempts = told.attempts)`,
      sent.map(({ ref }) => ref.tenant),
      sent.map(({ ref }) => ref.job),
      sent.map(({ ref }) => ref.n),
      sent.map(({ note = '0' }) => Number(note)),
    )
  }

  async unannounced(limit: number): Promise<Job[]> {
    const rows = await this.#database.all(
      'SELECT * FROM jobs WHERE finished IS NOT NULL AND NOT announced ORDER BY seq LIMIT $1',
      limit,
    )
    return rows.map(jobOf)
  }

  async announced(jobs: readonly Pick<Job, 'tenant' | 'id'>[]): Promise<void> {
    await this.#database.run(
      `UPDATE jobs SET announced = true FROM unnest($1::text[], $2::text[]) AS told (tenant, id)
       WHERE jobs.tenant = told.tenant AND jobs.id = told.id AND finished IS NOT NULL`,
      jobs.map(({ tenant }) => tenant),
      jobs.map(({ id }) => id),
    )
  }

  async unread(limit: number): Promise<UnreadManifest[]> {
    const rows = await this.#database.all(
      'SELECT id, tenant, manifest FROM jobs WHERE manifest IS NOT NULL AND finished IS NULL ORDER BY seq LIMIT $1',
      limit,
    )
    return rows.map(({ id, tenant, manifest }) => ({
      tenant: String(tenant),
      job: String(id),
      position: JSON.parse(String(manifest)) as ManifestPosition,
    }))
  }

  expand(
    { tenant, job: id, position }: UnreadManifest,
    pictures: readonly NewPicture[],
    to: ManifestPosition | undefined,
  ): Promise<boolean> {
    return this.#database.transaction(async (asking) => {
      const job = await jobRow(asking, tenant, id, 'FOR UPDATE')
      if (job === undefined || job.finished !== null || job.manifest !== JSON.stringify(position)) {
        return false
      }
      const seq = Number(job.seq)
      const now = this.#now()
      const failed = await addPictures(asking, [{ seq, tenant, first: Number(job.total), pictures }], now)
      await asking.run(
        'UPDATE jobs SET total = total + $2, manifest = $3 WHERE seq = $1',
        seq,
        pictures.length,
        to === undefined ? null : JSON.stringify(to),
      )
      await refresh(asking, seq, { failed: failed.get(seq) ?? 0 }, now)
      return true
    })
  }

  async saveModel(key: string, model: StoredModel): Promise<void> {
    await this.#database.run(
      'INSERT INTO models (key, model) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      key,
      JSON.stringify(model),
    )
  }

  async model(key: string): Promise<StoredModel | undefined> {
    const row = await this.#database.get('SELECT model FROM models WHERE key = $1', key)
    return row === undefined ? undefined : (JSON.parse(String(row.model)) as StoredModel)
  }

  prune(limit: number): Promise<number> {
    return this.#database.transaction(async (asking) => {
      const now = this.#now()
      const jobs = await asking.all(
        'SELECT seq FROM jobs WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED',
        now,
        limit,
      )
      await removeJobs(
        asking,
        jobs.map(({ seq }) => Number(seq)),
      )
      await asking.run(
        'DELETE FROM keys WHERE (tenant, key) IN (SELECT tenant, key FROM keys WHERE expires <= $1 LIMIT $2)',
        now,
        limit,
      )
      return jobs.length
    })
  }

  async usesBlob(key: string): Promise<boolean> {
    return (await this.#database.get('SELECT 1 AS used FROM blobs WHERE key = $1 LIMIT 1', key)) !== undefined
  }

  /** The connections belong to whoever opened them. */
  async close(): Promise<void> {}
}
