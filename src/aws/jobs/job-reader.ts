import type { Job } from '../../jobs/job.ts'
import { countsOf, readCounters } from './counters.ts'
import type { Item } from './item.ts'
import { jobOf } from './job-items.ts'
import { jobKey } from './keys.ts'
import type { Table } from './table.ts'

/** Jobs as they are: DynamoDB removes what has expired some time later, so that this looks at the time too. */
export class JobReader {
  readonly #table: Table
  readonly #now: () => number

  constructor(table: Table, now: () => number) {
    this.#table = table
    this.#now = now
  }

  async item(tenant: string, id: string): Promise<Item | undefined> {
    const item = await this.#table.get(jobKey(tenant, id))
    return item === undefined || this.isOver(item) ? undefined : item
  }

  isOver(item: Item): boolean {
    // One that is on its way from another store is not there yet.
    return Number(item.expiresAt) <= this.#now() || item.arriving !== undefined
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    const item = await this.item(tenant, id)
    return item === undefined ? undefined : this.whole(item)
  }

  /** A job that has ended holds its counts itself. */
  async whole(item: Item): Promise<Job> {
    if (item.finishedAt !== undefined && item.succeeded !== undefined) {
      return jobOf(item, countsOf(item))
    }
    return jobOf(item, countsOf(await readCounters(this.#table, String(item.tenant), String(item.sk))))
  }
}
