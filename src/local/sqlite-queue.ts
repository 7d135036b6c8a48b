import { randomUUID } from 'node:crypto'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { Page } from '../jobs/job-store.ts'
import type { DeadLetter, Message, NewMessage, Queue, QueueSize } from '../jobs/queue.ts'
import type { Row } from './sqlite.ts'
import type { StoreFile } from './store-file.ts'

/** Said of a message whose workers ended again and again. */
const TOO_MANY_RECEIVES = 'its worker ended each time'

export interface SqliteQueueOptions {
  /** Several queues share the tables. */
  name: string
  mostReceives?: number
  now?: () => number
}

/**
 * A queue in the tables of a store.
 *
 * Each message has a turn: one later than the last of its group, and not before that which is being served now.
 * Messages are handed out by turn, so that groups take turns however many messages one of them has (start-time fair
 * queueing, Goyal 1996, with messages of equal cost).
 */
export class SqliteQueue implements Queue {
  readonly #file: StoreFile
  readonly #name: string
  readonly #mostReceives: number
  readonly #now: () => number

  constructor(file: StoreFile, options: SqliteQueueOptions) {
    this.#file = file
    this.#name = options.name
    this.#mostReceives = options.mostReceives ?? JOB_DEFAULTS.mostReceives
    this.#now = options.now ?? Date.now
  }

  async send(messages: readonly NewMessage[]): Promise<void> {
    const now = this.#now()
    this.#file.transaction(() => {
      for (const { body, group = '', delayMs = 0 } of messages) {
        this.#file.run(
          'INSERT INTO messages (queue, body, turn, ready, visible) VALUES (?, ?, ?, ?, ?)',
          this.#name,
          body,
          this.#nextTurn(group),
          delayMs > 0 ? 0 : 1,
          now + delayMs,
        )
      }
    })
  }

  async receive({ max, leaseMs }: { max: number; leaseMs: number }): Promise<Message[]> {
    const now = this.#now()
    // Most looks find nothing; they take no lock.
    if (max <= 0 || !this.#hasReady(now)) {
      return []
    }
    return this.#file.transaction(() => {
      this.#file.run(
        'UPDATE messages SET ready = 1, lease = NULL WHERE queue = ? AND ready = 0 AND visible <= ?',
        this.#name,
        now,
      )
      const taken: Message[] = []
      let turn: number | undefined
      while (taken.length < max) {
        const row = this.#file.get(
          'SELECT seq, body, receives, turn FROM messages WHERE queue = ? AND ready = 1 ORDER BY turn, seq LIMIT 1',
          this.#name,
        )
        if (row === undefined) {
          break
        }
        const receives = Number(row.receives)
        if (receives >= this.#mostReceives) {
          this.#toDead(row, receives, TOO_MANY_RECEIVES, 0)
          continue
        }
        const lease = randomUUID()
        this.#file.run(
          'UPDATE messages SET ready = 0, visible = ?, receives = ?, lease = ? WHERE seq = ?',
          now + leaseMs,
          receives + 1,
          lease,
          row.seq as number,
        )
        turn = Number(row.turn)
        taken.push({ id: String(row.seq), body: String(row.body), receives: receives + 1, lease })
      }
      if (turn !== undefined) {
        this.#setTurn('', turn)
      }
      return taken
    })
  }

  async extend(messages: readonly Message[], leaseMs: number): Promise<Message[]> {
    const until = this.#now() + leaseMs
    return this.#file.transaction(() =>
      messages.filter(({ id, lease }) => {
        const { changes } = this.#file.run(
          'UPDATE messages SET visible = ? WHERE seq = ? AND queue = ? AND lease = ?',
          until,
          Number(id),
          this.#name,
          lease,
        )
        return changes === 0
      }),
    )
  }

  async done(messages: readonly Message[]): Promise<void> {
    this.#file.transaction(() => {
      for (const { id, lease } of messages) {
        this.#file.run(
          'DELETE FROM messages WHERE seq = ? AND queue = ? AND lease = ?',
          Number(id),
          this.#name,
          lease,
        )
      }
    })
  }

  async giveBack(
    { id, lease }: Message,
    { delayMs, unused = false }: { delayMs: number; unused?: boolean },
  ): Promise<void> {
    this.#file.run(
      `UPDATE messages SET ready = ?, visible = ?, receives = receives - ?, lease = NULL
       WHERE seq = ? AND queue = ? AND lease = ?`,
      delayMs > 0 ? 0 : 1,
      this.#now() + delayMs,
      unused ? 1 : 0,
      Number(id),
      this.#name,
      lease,
    )
  }

  async bury({ id, lease }: Message, reason: string): Promise<void> {
    this.#file.transaction(() => {
      const row = this.#file.get(
        'SELECT seq, body, receives FROM messages WHERE seq = ? AND queue = ? AND lease = ?',
        Number(id),
        this.#name,
        lease,
      )
      if (row !== undefined) {
        this.#toDead(row, Number(row.receives), reason, 1)
      }
    })
  }

  async deadLetters({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<DeadLetter>> {
    const rows = this.#file.all(
      'SELECT * FROM dead WHERE queue = ? AND seq > ? ORDER BY seq LIMIT ?',
      this.#name,
      Number(cursor ?? 0),
      limit + 1,
    )
    const items = rows.slice(0, limit).map(deadLetter)
    return { items, ...(rows.length > limit && { cursor: items.at(-1)!.id }) }
  }

  async unnoted(limit: number): Promise<DeadLetter[]> {
    return this.#file
      .all('SELECT * FROM dead WHERE queue = ? AND noted = 0 ORDER BY seq LIMIT ?', this.#name, limit)
      .map(deadLetter)
  }

  async noted(ids: readonly string[]): Promise<void> {
    this.#file.transaction(() => {
      for (const id of ids) {
        this.#file.run('UPDATE dead SET noted = 1 WHERE seq = ? AND queue = ?', Number(id), this.#name)
      }
    })
  }

  async dropDead(id: string): Promise<boolean> {
    return (
      this.#file.run('DELETE FROM dead WHERE seq = ? AND queue = ?', Number(id), this.#name).changes === 1
    )
  }

  async size(): Promise<QueueSize> {
    const now = this.#now()
    const count = (sql: string, ...values: (string | number)[]): number =>
      Number(this.#file.get(sql, this.#name, ...values)?.n)
    const due = count(
      'SELECT count(*) AS n FROM messages WHERE queue = ? AND ready = 0 AND visible <= ?',
      now,
    )
    return {
      ready: due + count('SELECT count(*) AS n FROM messages WHERE queue = ? AND ready = 1'),
      waiting: count('SELECT count(*) AS n FROM messages WHERE queue = ? AND ready = 0 AND visible > ?', now),
      dead: count('SELECT count(*) AS n FROM dead WHERE queue = ?'),
    }
  }

  #hasReady(now: number): boolean {
    const row = this.#file.get(
      `SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND ready = 1)
           OR EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND ready = 0 AND visible <= ?2) AS found`,
      this.#name,
      now,
    )
    return row?.found === 1
  }

  #nextTurn(group: string): number {
    const served = this.#turn('')
    const turn = Math.max(served, this.#turn(`g${group}`)) + 1
    this.#setTurn(`g${group}`, turn)
    return turn
  }

  #turn(group: string): number {
    return Number(
      this.#file.get('SELECT turn FROM turns WHERE queue = ? AND grp = ?', this.#name, group)?.turn ?? 0,
    )
  }

  #setTurn(group: string, turn: number): void {
    this.#file.run(
      `INSERT INTO turns (queue, grp, turn) VALUES (?, ?, ?)
       ON CONFLICT (queue, grp) DO UPDATE SET turn = max(turn, excluded.turn)`,
      this.#name,
      group,
      turn,
    )
  }

  #toDead({ seq, body }: Row, receives: number, reason: string, noted: 0 | 1): void {
    this.#file.run(
      'INSERT INTO dead (queue, body, receives, reason, at, noted) VALUES (?, ?, ?, ?, ?, ?)',
      this.#name,
      body as string,
      receives,
      reason,
      this.#now(),
      noted,
    )
    this.#file.run('DELETE FROM messages WHERE seq = ?', seq as number)
  }
}

const deadLetter = ({ seq, body, receives, reason, at }: Row): DeadLetter => ({
  id: String(seq),
  body: String(body),
  receives: Number(receives),
  reason: String(reason),
  at: Number(at),
})
