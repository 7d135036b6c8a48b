import { type Job, stateOf } from '../jobs/job.ts'
import type { StoredModel } from '../jobs/job-store.ts'
import { compareSequencers } from '../jobs/job-store.ts'
import type { MovedArrival, MovedJob, MovedPicture, Transfer } from '../jobs/transfer.ts'
import { countsOf, jobOf, pictureOf } from './job-rows.ts'
import { addPictures, removeJob } from './sqlite-pictures.ts'
import { saveFound } from './sqlite-progress.ts'
import type { StoreFile } from './store-file.ts'

/** Owner of jobs that are still being taken over, who cannot ask for them. */
const NOBODY = ''

/** What a store in a folder gives to another one, and takes from it. */
export class SqliteTransfer implements Transfer {
  readonly #file: StoreFile

  constructor(file: StoreFile) {
    this.#file = file
  }

  async jobs(after: string, limit: number): Promise<MovedJob[]> {
    return this.#file
      .all("SELECT * FROM jobs WHERE id > ? AND tenant <> '' ORDER BY id LIMIT ?", after, limit)
      .map((row) => ({
        job: jobOf(row),
        announced: row.announced === 1,
        keys: this.#file
          .all('SELECT key, fingerprint, expires FROM keys WHERE job = ?', row.seq!)
          .map(({ key, fingerprint, expires }) => ({
            key: String(key),
            fingerprint: String(fingerprint),
            expiresAt: Number(expires),
          })),
      }))
  }

  async pictures({ id }: Pick<Job, 'id'>, after: number, limit: number): Promise<MovedPicture[]> {
    return this.#file
      .all(
        'SELECT * FROM pictures WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND n > ? ORDER BY n LIMIT ?',
        id,
        after,
        limit,
      )
      .map((row) => ({
        picture: pictureOf(row),
        ...(row.identity !== null && {
          arrival: { identity: String(row.identity), sequencer: String(row.sequencer) },
        }),
      }))
  }

  async blobs({ id }: Pick<Job, 'id'>): Promise<string[]> {
    return this.#file
      .all('SELECT key FROM blobs WHERE job = (SELECT seq FROM jobs WHERE id = ?)', id)
      .map(({ key }) => String(key))
  }

  async models(): Promise<[string, StoredModel][]> {
    return this.#file
      .all('SELECT key, model FROM models')
      .map(({ key, model }) => [String(key), JSON.parse(String(model)) as StoredModel])
  }

  async arrivals(after: MovedArrival | undefined, limit: number): Promise<MovedArrival[]> {
    return this.#file
      .all(
        `SELECT tenant, identity, sequencer FROM arrivals WHERE (tenant, identity) > (?, ?)
         ORDER BY tenant, identity LIMIT ?`,
        after?.tenant ?? '',
        after?.identity ?? '',
        limit,
      )
      .map(({ tenant, identity, sequencer }) => ({
        tenant: String(tenant),
        identity: String(identity),
        sequencer: String(sequencer),
      }))
  }

  async begin({ job }: MovedJob): Promise<boolean> {
    return this.#file.transaction(() => {
      const known = this.#file.get('SELECT seq, tenant FROM jobs WHERE id = ?', job.id)
      if (known !== undefined && known.tenant !== NOBODY) {
        return false
      }
      if (known !== undefined) {
        removeJob(this.#file, known.seq as number)
      }
      this.#file.run(
        `INSERT INTO jobs (id, tenant, state, batch, options, total, created, expires, announced)
         VALUES (?, ?, 'queued', ?, ?, 0, ?, ?, 1)`,
        job.id,
        NOBODY,
        job.batch ?? null,
        JSON.stringify(job.options),
        job.createdAt,
        job.expiresAt,
      )
      return true
    })
  }

  async add({ job }: MovedJob, pictures: readonly MovedPicture[]): Promise<void> {
    this.#file.transaction(() => {
      const seq = this.#seq(job)
      for (const { picture, arrival } of pictures) {
        const { n, name, line, source, attempts, found, error, finishedAt, state } = picture
        const added = {
          name,
          source,
          ...(line !== undefined && { line }),
          ...(arrival !== undefined && { arrival }),
        }
        addPictures(this.#file, { seq, tenant: job.tenant }, [added], n, finishedAt ?? job.createdAt)
        const row = this.#file.get('SELECT * FROM pictures WHERE job = ? AND n = ?', seq, n)!
        const id = row.seq as number
        this.#file.run('UPDATE pictures SET attempts = ?, sent = 1 WHERE seq = ?', attempts, id)
        if (state === 'succeeded' && found !== undefined) {
          saveFound(this.#file, row, found, finishedAt ?? job.createdAt)
        } else if (state === 'failed' || state === 'cancelled') {
          this.#file.run(
            'UPDATE pictures SET state = ?, finished = ?, error = ? WHERE seq = ?',
            state,
            finishedAt ?? null,
            error === undefined ? null : JSON.stringify(error),
            id,
          )
        }
      }
    })
  }

  async complete({ job, announced, keys }: MovedJob): Promise<void> {
    this.#file.durably(() => {
      const seq = this.#seq(job)
      const rows = this.#file.all(
        'SELECT state, count(*) AS n FROM pictures WHERE job = ? GROUP BY state',
        seq,
      )
      const counts = countsOf(rows)
      const state = stateOf(counts, true)
      const isOver = job.finishedAt !== undefined
      this.#file.run(
        `UPDATE jobs SET tenant = ?, state = ?, total = ?, succeeded = ?, failed = ?, cancelled = ?, started = ?,
         finished = ?, announced = ? WHERE seq = ?`,
        job.tenant,
        isOver ? job.state : state,
        counts.total,
        counts.succeeded,
        counts.failed,
        counts.cancelled,
        job.startedAt ?? null,
        job.finishedAt ?? null,
        isOver && announced ? 1 : 0,
        seq,
      )
      this.#file.run("UPDATE pictures SET sent = 0 WHERE job = ? AND state = 'queued'", seq)
      for (const { key, fingerprint, expiresAt } of keys) {
        this.#file.run(
          'INSERT OR IGNORE INTO keys (tenant, key, fingerprint, job, expires) VALUES (?, ?, ?, ?, ?)',
          job.tenant,
          key,
          fingerprint,
          seq,
          expiresAt,
        )
      }
    })
  }

  async addArrivals(arrivals: readonly MovedArrival[]): Promise<void> {
    this.#file.transaction(() => {
      for (const { tenant, identity, sequencer } of arrivals) {
        const known = this.#file.get(
          'SELECT sequencer FROM arrivals WHERE tenant = ? AND identity = ?',
          tenant,
          identity,
        )
        if (known === undefined || compareSequencers(sequencer, String(known.sequencer)) > 0) {
          // Its picture is forgotten: no number that a picture ever has.
          this.#file.run(
            'INSERT OR REPLACE INTO arrivals (tenant, identity, sequencer, picture) VALUES (?, ?, ?, 0)',
            tenant,
            identity,
            sequencer,
          )
        }
      }
    })
  }

  #seq({ id }: Pick<Job, 'id'>): number {
    return this.#file.get('SELECT seq FROM jobs WHERE id = ?', id)!.seq as number
  }
}
