import type { Page } from '../../jobs/job-store.ts'
import type { DeadLetter } from '../../jobs/queue.ts'
import type { Item } from './item.ts'
import { deadPartition, placeAt } from './keys.ts'
import type { Table } from './table.ts'

/** As long as SQS keeps a message at most. */
const KEPT_SECONDS = 14 * 86_400
/** How many queries it takes to see that there are no more is nothing to count for. */
const MOST_COUNTED = 10_000

/**
 * The dead letters of a queue, in the table: SQS itself can neither list them nor give a certain one. The queue for
 * dead letters that AWS knows is where they lie until somebody collects them.
 */
export class DeadLetters {
  readonly #table: Table
  readonly #pk: string
  readonly #now: () => number

  constructor(table: Table, queue: string, now: () => number) {
    this.#table = table
    this.#pk = deadPartition(queue)
    this.#now = now
  }

  /** @param noted whether whoever buries it knows of it */
  async add(id: string, letter: Omit<DeadLetter, 'id' | 'at'>, noted: boolean): Promise<void> {
    const at = this.#now()
    const sk = `${placeAt(at)}#${id}`
    await this.#table.write({
      kind: 'put',
      item: {
        pk: this.#pk,
        sk,
        ...letter,
        at,
        noted: noted ? 1 : 0,
        ttl: Math.ceil(at / 1000) + KEPT_SECONDS,
      },
    })
  }

  async list(limit: number, cursor?: string): Promise<Page<DeadLetter>> {
    const items: DeadLetter[] = []
    for await (const item of this.#table.query({
      pk: this.#pk,
      from: cursor === undefined ? '0' : `${cursor}$`,
    })) {
      if (items.length === limit) {
        return { items, cursor: items.at(-1)!.id }
      }
      items.push(letterOf(item))
    }
    return { items }
  }

  async unnoted(limit: number): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = []
    for await (const item of this.#table.query({ pk: this.#pk })) {
      if (item.noted === 0) {
        letters.push(letterOf(item))
      }
      if (letters.length === limit) {
        break
      }
    }
    return letters
  }

  async note(ids: readonly string[]): Promise<void> {
    for (const sk of ids) {
      await this.#table.write({
        kind: 'update',
        key: { pk: this.#pk, sk },
        set: 'SET noted = :one',
        values: { ':one': 1 },
        condition: 'attribute_exists(pk)',
      })
    }
  }

  async drop(sk: string): Promise<boolean> {
    const gone = await this.#table.write({
      kind: 'delete',
      key: { pk: this.#pk, sk },
      condition: 'attribute_exists(pk)',
    })
    return gone !== false
  }

  async count(): Promise<number> {
    let count = 0
    for await (const _ of this.#table.query({ pk: this.#pk })) {
      count++
      if (count === MOST_COUNTED) {
        break
      }
    }
    return count
  }
}

const letterOf = ({ sk, body, receives, reason, at }: Item): DeadLetter => ({
  id: String(sk),
  body: String(body),
  receives: Number(receives),
  reason: String(reason),
  at: Number(at),
})
