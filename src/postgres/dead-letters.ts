import type { Page } from '../jobs/job-store.ts'
import type { DeadLetter, Message } from '../jobs/queue.ts'
import type { Database, Row } from './database.ts'

/** Messages of one queue that are handed out no more. */
export class DeadLetters {
  readonly #database: Database
  readonly #queue: string

  constructor(database: Database, queue: string) {
    this.#database = database
    this.#queue = queue
  }

  /** The same message lies there once. */
  async add({ id, body, receives }: Message, reason: string, { noted }: { noted: boolean }): Promise<void> {
    await this.#database.run(
      `INSERT INTO dead (queue, message, body, receives, reason, at, noted) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (queue, message) DO UPDATE
       SET receives = excluded.receives, reason = excluded.reason, noted = dead.noted AND excluded.noted`,
      this.#queue,
      id,
      body,
      receives,
      reason,
      Date.now(),
      noted,
    )
  }

  async page({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<DeadLetter>> {
    const rows = await this.#database.all(
      'SELECT * FROM dead WHERE queue = $1 AND seq > $2 ORDER BY seq LIMIT $3',
      this.#queue,
      Number(cursor ?? 0),
      limit + 1,
    )
    const items = rows.slice(0, limit).map(deadLetter)
    return { items, ...(rows.length > limit && { cursor: items.at(-1)!.id }) }
  }

  async unnoted(limit: number): Promise<DeadLetter[]> {
    const rows = await this.#database.all(
      'SELECT * FROM dead WHERE queue = $1 AND NOT noted ORDER BY seq LIMIT $2',
      this.#queue,
      limit,
    )
    return rows.map(deadLetter)
  }

  async note(ids: readonly string[]): Promise<void> {
    await this.#database.run(
      'UPDATE dead SET noted = true WHERE queue = $1 AND seq = ANY($2)',
      this.#queue,
      ids.map(Number),
    )
  }

  async drop(id: string): Promise<boolean> {
    return (
      (await this.#database.run(
        'DELETE FROM dead WHERE queue = $1 AND seq = $2',
        this.#queue,
        Number(id),
      )) === 1
    )
  }

  async count(): Promise<number> {
    const row = await this.#database.get('SELECT count(*) AS n FROM dead WHERE queue = $1', this.#queue)
    return Number(row?.n)
  }
}

const deadLetter = ({ seq, body, receives, reason, at }: Row): DeadLetter => ({
  id: String(seq),
  body: String(body),
  receives: Number(receives),
  reason: String(reason),
  at: Number(at),
})
