import { type Job, stateOf } from '../jobs/job.ts'
import type { StoredModel } from '../jobs/job-store.ts'
import type { MovedArrival, MovedJob, MovedPicture, Transfer } from '../jobs/transfer.ts'
import { countsOf, jobOf, pictureOf } from '../local/job-rows.ts'
import type { Asking, Database } from './database.ts'
import { addPictures, removeJobs } from './postgres-pictures.ts'
import { saveFound } from './postgres-progress.ts'

/** Owner of jobs that are still being taken over, who cannot ask for them. */
const NOBODY = ''

/** What a store in PostgreSQL gives to another one, and takes from it. */
export class PostgresTransfer implements Transfer {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async jobs(after: string, limit: number): Promise<MovedJob[]> {
    const rows = await this.#database.all(
      "SELECT * FROM jobs WHERE id > $1 AND tenant <> '' ORDER BY id LIMIT $2",
      after,
      limit,
    )
    const keys = await this.#database.all(
      'SELECT key, fingerprint, expires, job FROM keys WHERE job = ANY($1)',
      rows.map(({ id }) => id!),
    )
    return rows.map((row) => ({
      job: jobOf(row),
      announced: String(row.announced) === 'true',
      keys: keys
        .filter(({ job }) => job === row.id)
        .map(({ key, fingerprint, expires }) => ({
          key: String(key),
          fingerprint: String(fingerprint),
          expiresAt: Number(expires),
        })),
    }))
  }

  async pictures({ id }: Pick<Job, 'id'>, after: number, limit: number): Promise<MovedPicture[]> {
    const rows = await this.#database.all(
      'SELECT * FROM pictures WHERE job = (SELECT seq FROM jobs WHERE id = $1) AND n > $2 ORDER BY n LIMIT $3',
      id,
      after,
      limit,
    )
    return rows.map((row) => ({
      picture: pictureOf(row),
      ...(row.identity !== null && {
        arrival: { identity: String(row.identity), sequencer: String(row.sequencer) },
      }),
    }))
  }

  async blobs({ id }: Pick<Job, 'id'>): Promise<string[]> {
    const rows = await this.#database.all(
      'SELECT key FROM blobs WHERE job = (SELECT seq FROM jobs WHERE id = $1)',
      id,
    )
    return rows.map(({ key }) => String(key))
  }

  async models(): Promise<[string, StoredModel][]> {
    const rows = await this.#database.all('SELECT key, model FROM models')
    return rows.map(({ key, model }) => [String(key), JSON.parse(String(model)) as StoredModel])
  }

  async arrivals(after: MovedArrival | undefined, limit: number): Promise<MovedArrival[]> {
    const rows = await this.#database.all(
      `SELECT tenant, identity, sequencer FROM arrivals WHERE (tenant, identity) > ($1, $2)
       ORDER BY tenant, identity LIMIT $3`,
      after?.tenant ?? '',
      after?.identity ?? '',
      limit,
    )
    return rows.map(({ tenant, identity, sequencer }) => ({
      tenant: String(tenant),
      identity: String(identity),
      sequencer: String(sequencer),
    }))
  }

  begin({ job }: MovedJob): Promise<boolean> {
    return this.#database.transaction(async (asking) => {
      const known = await asking.get('SELECT seq, tenant FROM jobs WHERE id = $1 FOR UPDATE', job.id)
      if (known !== undefined && known.tenant !== NOBODY) {
        return false
      }
      if (known !== undefined) {
        await removeJobs(asking, [Number(known.seq)])
      }
      await asking.run(
        `INSERT INTO jobs (id, tenant, state, batch, options, total, created, expires, announced)
         VALUES ($1, $2, 'queued', $3, $4, 0, $5, $6, true)`,
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
    await this.#database.transaction(async (asking) => {
      const seq = await seqOf(asking, job)
      // Those in a row of numbers are added at once; the numbers of pictures have no gaps.
      const first = pictures[0]?.picture.n ?? 0
      const added = pictures.map(({ picture: { name, source, line }, arrival }) => ({
        name,
        source,
        ...(line !== undefined && { line }),
        ...(arrival !== undefined && { arrival }),
      }))
      await addPictures(asking, [{ seq, tenant: job.tenant, first, pictures: added }], job.createdAt)
      await asking.run(
        `UPDATE pictures SET attempts = new.attempts, sent = true, state = new.state, finished = new.finished,
           error = new.error, found = new.found, model = new.model, verdict = new.verdict, uncertain = new.uncertain
         FROM json_to_recordset($2::json) AS new (n bigint, attempts int, state text, finished bigint, error text,
           found text, model text, verdict text, uncertain boolean)
         WHERE pictures.job = $1 AND pictures.n = new.n`,
        seq,
        JSON.stringify(pictures.map(({ picture }) => columnsOf(picture))),
      )
      const done = pictures.filter(({ picture }) => picture.found !== undefined)
      const rows = await asking.all(
        'SELECT seq, job, n, tenant, identity FROM pictures WHERE job = $1 AND n = ANY($2)',
        seq,
        done.map(({ picture }) => picture.n),
      )
      const byNumber = new Map(rows.map((row) => [Number(row.n), row]))
      for (const { picture } of done) {
        await saveFound(asking, byNumber.get(picture.n)!, picture.found!, picture.finishedAt ?? job.createdAt)
      }
    })
  }

  async complete({ job, announced, keys }: MovedJob): Promise<void> {
    await this.#database.durably(async (asking) => {
      const seq = await seqOf(asking, job)
      const counts = countsOf(
        await asking.all('SELECT state, count(*) AS n FROM pictures WHERE job = $1 GROUP BY state', seq),
      )
      const isOver = job.finishedAt !== undefined
      await asking.run(
        `UPDATE jobs SET tenant = $2, state = $3, total = $4, succeeded = $5, failed = $6, cancelled = $7,
         started = $8, finished = $9, announced = $10 WHERE seq = $1`,
        seq,
        job.tenant,
        isOver ? job.state : stateOf(counts, true),
        counts.total,
        counts.succeeded,
        counts.failed,
        counts.cancelled,
        job.startedAt ?? null,
        job.finishedAt ?? null,
        isOver && announced,
      )
      await asking.run("UPDATE pictures SET sent = false WHERE job = $1 AND state = 'queued'", seq)
      for (const { key, fingerprint, expiresAt } of keys) {
        await asking.run(
          `INSERT INTO keys (tenant, key, fingerprint, job, expires) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING`,
          job.tenant,
          key,
          fingerprint,
          job.id,
          expiresAt,
        )
      }
    })
  }

  async addArrivals(arrivals: readonly MovedArrival[]): Promise<void> {
    // The picture is forgotten: no number that a picture ever has.
    await this.#database.run(
      `INSERT INTO arrivals (tenant, identity, sequencer, picture)
       SELECT *, 0 FROM unnest($1::text[], $2::text[], $3::text[]) ORDER BY 1, 2
       ON CONFLICT (tenant, identity) DO UPDATE SET sequencer = excluded.sequencer, picture = 0
         WHERE rpad(lower(excluded.sequencer), 128, '0') COLLATE "C"
           > rpad(lower(arrivals.sequencer), 128, '0') COLLATE "C"`,
      arrivals.map(({ tenant }) => tenant),
      arrivals.map(({ identity }) => identity),
      arrivals.map(({ sequencer }) => sequencer),
    )
  }
}

function columnsOf({ n, attempts, state, finishedAt, error, found }: MovedPicture['picture']) {
  const isOpen = state === 'queued' || state === 'running'
  return {
    n,
    attempts,
    state: isOpen ? 'queued' : state,
    finished: isOpen ? null : (finishedAt ?? null),
    error: error === undefined ? null : JSON.stringify(error),
    found: found === undefined ? null : JSON.stringify(found),
    model: found?.model ?? null,
    verdict: found?.verdict?.verdict ?? null,
    uncertain: found?.uncertain ? true : null,
  }
}

async function seqOf(asking: Asking, { id }: Pick<Job, 'id'>): Promise<number> {
  return Number((await asking.get('SELECT seq FROM jobs WHERE id = $1', id))!.seq)
}
