import type { Unsent } from '../../jobs/job-store.ts'
import { defined } from '../../system/defined.ts'
import type { Item } from './item.ts'
import { type Key, OUTBOX } from './keys.ts'
import type { Table } from './table.ts'

/** First and last of numbers that follow each other. */
type Range = [first: number, last: number]

/** Two processes may take from one item at once. */
const MOST_TRIES = 10
const PAGE = 25
/** Some 100 KB of text. */
const MOST_RANGES = 5000

/** Numbers, least first, as text of ranges: one small item stands for a million pictures. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: Range[] = []
  for (const n of numbers) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === n - 1) {
      last[1] = n
    } else {
      ranges.push([n, n])
    }
  }
  // A message for a picture that is done does no harm, and an item has an end.
  return JSON.stringify(ranges.length > MOST_RANGES ? [[ranges[0]![0], ranges.at(-1)![1]]] : ranges)
}

const read = (item: Item): Range[] => JSON.parse(String(item.ranges)) as Range[]

/** Pictures that have no message yet, those of the oldest job first. */
export async function unsentOf(table: Table, limit: number): Promise<Unsent[]> {
  const unsent: Unsent[] = []
  for await (const item of table.query({ pk: OUTBOX, page: PAGE })) {
    const { sk, tenant, job, group } = item
    for (const [first, last] of read(item)) {
      for (let n = first; n <= last; n++) {
        if (unsent.length === limit) {
          return unsent
        }
        const ref = { tenant: String(tenant), job: String(job), n }
        unsent.push({ ref, group: String(group), note: String(sk) })
      }
    }
  }
  return unsent
}

/** Entries of one job. What is queued later gets an entry of its own, which no key here names. */
export async function entriesOfJob(table: Table, job: string): Promise<Key[]> {
  const keys: Key[] = []
  for await (const { pk, sk } of table.query({ pk: OUTBOX, from: `${job}#`, to: `${job}$` })) {
    keys.push({ pk: String(pk), sk: String(sk) })
  }
  return keys
}

/** Takes pictures out of an entry that they were found in. */
export async function takeOut(table: Table, entry: string, numbers: ReadonlySet<number>): Promise<void> {
  const key = { pk: OUTBOX, sk: entry }
  let current = await table.get(key)
  for (let tries = 0; current !== undefined && tries < MOST_TRIES; tries++) {
    const before = String(current.ranges)
    const left = without(read(current), numbers)
    const after = JSON.stringify(left)
    if (after === before) {
      return
    }
    const condition = { condition: 'ranges = :before', values: { ':before': before } }
    const done =
      left.length === 0
        ? await table.write({ kind: 'delete', key, ...condition })
        : await table.write({
            kind: 'put',
            item: { ...key, ...defined({ ...current }), ranges: after },
            ...condition,
          })
    if (done !== false) {
      return
    }
    current = await table.get(key)
  }
}

/** Works on the numbers that go, which are few, and not on those that stay. */
function without(ranges: readonly Range[], numbers: ReadonlySet<number>): Range[] {
  const gone = [...numbers].sort((a, b) => a - b)
  return ranges.flatMap(([first, last]) => {
    const left: Range[] = []
    let from = first
    for (const n of gone) {
      if (n >= from && n <= last) {
        if (n > from) {
          left.push([from, n - 1])
        }
        from = n + 1
      }
    }
    return from <= last ? [...left, [from, last] as Range] : left
  })
}
