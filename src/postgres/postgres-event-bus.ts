import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { EventBus, EventKind, EventQuery, JobEvent, NewEvent } from '../jobs/event-bus.ts'
import type { Database } from './database.ts'

/** Ids are numbers with leading zeros, so that they sort as text does. */
const ID_DIGITS = 16
/** Any number of this store's own. */
const LOCK = 0x426f7845

/** Events in a table that all machines read; they are kept for an hour. */
export class PostgresEventBus implements EventBus {
  readonly #database: Database
  readonly #now: () => number

  constructor(database: Database, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  /**
   * One after another: numbers are given when rows are made and seen when they are committed, and who reads on after a
   * number must not miss a smaller one that comes later.
   */
  async publish(events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) {
      return
    }
    const now = this.#now()
    await this.#database.run(
      `WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($1)),
       old AS (DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < $2 ORDER BY at LIMIT $3))
       INSERT INTO events (tenant, job, kind, data, at)
       SELECT tenant, job, kind, data, $4::bigint
       FROM turn, unnest($5::text[], $6::text[], $7::text[], $8::text[]) WITH ORDINALITY
         AS new (tenant, job, kind, data, place) ORDER BY place`,
      LOCK,
      now - JOB_DEFAULTS.eventMs,
      // A few more than came in, so that old ones go without a pass of their own.
      events.length * 2,
      now,
      events.map(({ tenant }) => tenant),
      events.map(({ job }) => job),
      events.map(({ kind }) => kind),
      events.map(({ data }) => JSON.stringify(data)),
    )
  }

  async read({ tenant, job, after, limit }: EventQuery): Promise<JobEvent[]> {
    const rows = await this.#database.all(
      `SELECT * FROM events WHERE seq > $1 AND ($2::text IS NULL OR tenant = $2)
       ${job === undefined ? '' : 'AND job = $4'} ORDER BY seq LIMIT $3`,
      // A client may send any number back.
      after === undefined ? 0 : Math.min(Number(after), Number.MAX_SAFE_INTEGER),
      tenant ?? null,
      limit,
      ...(job === undefined ? [] : [job]),
    )
    return rows.map((row) => ({
      id: idOf(row.seq!),
      kind: row.kind as EventKind,
      tenant: String(row.tenant),
      job: String(row.job),
      data: JSON.parse(String(row.data)) as Record<string, unknown>,
      at: Number(row.at),
    }))
  }

  async latest(): Promise<string | undefined> {
    const seq = (await this.#database.get('SELECT max(seq) AS seq FROM events'))?.seq
    return seq === null || seq === undefined ? undefined : idOf(seq)
  }
}

const idOf = (seq: string | number): string => String(seq).padStart(ID_DIGITS, '0')
