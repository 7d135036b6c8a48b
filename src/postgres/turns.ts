import type { Asking, Database } from './database.ts'

/** Priorities that the library takes. */
const MOST_PRIORITY = 2 ** 21 - 1

/** The row that holds the turn that is being served, and the one from which priorities are counted. */
const SERVED = '='
const BASE = '-'

/**
 * Whose turn it is: each message has one later than the last of its group, and not before that which is being served
 * now. Messages are handed out by turn, so that groups take turns however many messages one of them has (start-time
 * fair queueing, Goyal 1996, with messages of equal cost).
 *
 * The library takes a turn as a priority of at most two million, counted from a base that moves on whenever the queue
 * is empty. A queue that is not empty over two million messages is served in their order until it is.
 */
export class Turns {
  readonly #database: Database
  readonly #queue: string
  #base = 0

  constructor(database: Database, queue: string) {
    this.#database = database
    this.#queue = queue
  }

  /** The turns of messages, in the order of their groups. */
  async next(groups: readonly string[]): Promise<{ turn: number; priority: number }[]> {
    const counts = new Map<string, number>()
    for (const group of groups) {
      counts.set(group, (counts.get(group) ?? 0) + 1)
    }
    const rows = await this.#database.all(
      `WITH known AS (SELECT grp, turn FROM turns WHERE queue = $1 AND grp IN ('${SERVED}', '${BASE}')),
       given AS (
         INSERT INTO turns (queue, grp, turn)
         SELECT $1, grp, count + coalesce((SELECT turn FROM known WHERE grp = '${SERVED}'), 0)
         FROM unnest($2::text[], $3::bigint[]) AS new (grp, count) ORDER BY grp
         ON CONFLICT (queue, grp) DO UPDATE SET turn = excluded.turn
           + greatest(0, turns.turn - coalesce((SELECT turn FROM known WHERE grp = '${SERVED}'), 0))
         RETURNING grp, turn)
       SELECT grp, turn FROM given UNION ALL SELECT grp, turn FROM known WHERE grp = '${BASE}'`,
      this.#queue,
      [...counts.keys()].map((group) => `g${group}`),
      [...counts.values()],
    )
    const last = new Map(rows.map(({ grp, turn }) => [String(grp), Number(turn)]))
    this.#base = last.get(BASE) ?? 0
    return groups.map((group) => {
      const left = counts.get(group)! - 1
      counts.set(group, left)
      const turn = last.get(`g${group}`)! - left
      return { turn, priority: Math.max(1, Math.min(MOST_PRIORITY, turn - this.#base)) }
    })
  }

  async served(turn: number): Promise<void> {
    await raise(this.#database, this.#queue, SERVED, turn)
  }

  /** To be called when the queue holds nothing at all, delayed messages included. */
  async emptied(): Promise<void> {
    await this.#database.run(
      `INSERT INTO turns (queue, grp, turn) SELECT $1, '${BASE}', max(turn) FROM turns WHERE queue = $1
       HAVING max(turn) > ${MOST_PRIORITY / 2}
       ON CONFLICT (queue, grp) DO UPDATE SET turn = excluded.turn`,
      this.#queue,
    )
    // Groups whose last turn was served long ago begin where all others are.
    await this.#database.run(
      `DELETE FROM turns WHERE queue = $1 AND grp LIKE 'g%'
       AND turn <= (SELECT turn FROM turns WHERE queue = $1 AND grp = '${SERVED}')`,
      this.#queue,
    )
  }
}

const raise = (asking: Asking, queue: string, group: string, turn: number): Promise<number> =>
  asking.run(
    `INSERT INTO turns (queue, grp, turn) VALUES ($1, $2, $3)
     ON CONFLICT (queue, grp) DO UPDATE SET turn = greatest(turns.turn, excluded.turn)`,
    queue,
    group,
    turn,
  )
