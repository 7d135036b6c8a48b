import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { EventBus, EventKind, EventQuery, JobEvent, NewEvent } from '../jobs/event-bus.ts'
import type { StoreFile } from './store-file.ts'

/** Ids are numbers with leading zeros, so that they sort as text does. */
const ID_DIGITS = 16

/** Events in a table that all processes of a machine read; they are kept for an hour. */
export class SqliteEventBus implements EventBus {
  readonly #file: StoreFile
  readonly #now: () => number

  constructor(file: StoreFile, now: () => number = Date.now) {
    this.#file = file
    this.#now = now
  }

  async publish(events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) {
      return
    }
    const now = this.#now()
    this.#file.transaction(() => {
      for (const { kind, tenant, job, data } of events) {
        this.#file.run(
          'INSERT INTO events (tenant, job, kind, data, at) VALUES (?, ?, ?, ?, ?)',
          tenant,
          job,
          kind,
          JSON.stringify(data),
          now,
        )
      }
      // A few more than came in, so that old ones go without a pass of their own.
      this.#file.run(
        'DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < ? ORDER BY at LIMIT ?)',
        now - JOB_DEFAULTS.eventMs,
        events.length * 2,
      )
    })
  }

  async read({ tenant, job, after, limit }: EventQuery): Promise<JobEvent[]> {
    const from = after === undefined ? 0 : Number(after)
    const rows =
      job === undefined
        ? this.#file.all(
            'SELECT * FROM events WHERE seq > ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY seq LIMIT ?3',
            from,
            tenant ?? null,
            limit,
          )
        : this.#file.all(
            'SELECT * FROM events WHERE job = ?1 AND seq > ?2 AND (?3 IS NULL OR tenant = ?3) ORDER BY seq LIMIT ?4',
            job,
            from,
            tenant ?? null,
            limit,
          )
    return rows.map((row) => ({
      id: String(row.seq).padStart(ID_DIGITS, '0'),
      kind: row.kind as EventKind,
      tenant: String(row.tenant),
      job: String(row.job),
      data: JSON.parse(String(row.data)) as Record<string, unknown>,
      at: Number(row.at),
    }))
  }

  async latest(): Promise<string | undefined> {
    const seq = this.#file.get('SELECT max(seq) AS seq FROM events')?.seq
    return seq === null || seq === undefined ? undefined : String(seq).padStart(ID_DIGITS, '0')
  }
}
