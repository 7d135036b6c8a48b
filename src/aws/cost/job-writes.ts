/** What the table of jobs takes for a picture, from the very items that the store writes. */
import { gzipSync } from 'node:zlib'
import type { FinishedPicture, FoundPicture } from '../../jobs/job.ts'
import type { NewPicture } from '../../jobs/job-store.ts'
import { putCounters, sumLabels } from '../jobs/counters.ts'
import { pictureItem, ttlOf } from '../jobs/job-items.ts'
import { type Part, writesBefore, writesTogether } from '../jobs/outcomes.ts'
import { IN_TRANSACTION, itemBytes, unitsOf } from '../jobs/write-units.ts'

/** DynamoDB stores an index entry of its own for each item, and bills it. Source: Amazon DynamoDB pricing, "Data storage". */
const STORED_BESIDES = 100

/** Of a label in a large job: sums of as many digits. */
const MANY: readonly [pictures: number, objects: number] = [100_000, 100_000]

export interface Sample {
  tenant: string
  job: string
  /** As accepted, and what became of them, in the same order; those of one batch. */
  pictures: readonly NewPicture[]
  finished: readonly FinishedPicture[]
  /** Labels that the job as a whole has seen. */
  labels: readonly string[]
  createdAt: number
  expiresAt: number
}

export interface TableUse {
  writeUnits: number
  bytes: number
}

/** For each picture of a batch: the item that is made, what its outcome changes, its part of counters and index. */
export function tableUse({
  tenant,
  job: id,
  pictures,
  finished,
  labels,
  createdAt,
  expiresAt,
}: Sample): TableUse {
  const made = finished.map(({ ref }, i) => pictureItem(ref, pictures[i]!, expiresAt, createdAt))
  const part: Part = {
    job: { tenant, id, shards: 1, expiresAt },
    at: createdAt,
    tag: '0'.repeat(8),
    pictures: finished.map((one) =>
      one.outcome.state === 'failed'
        ? one
        : { ...one, packed: ['foundBytes', gzipSync(JSON.stringify(one.outcome.found))] },
    ),
  }
  const before = writesBefore(part).map(({ item }) => item)
  const outcomes = writesTogether(part).slice(0, finished.length)
  const after = made.map((item, i) => {
    const {
      ':at': finishedAt,
      ':tag': entryTag,
      ':found': found,
      ':state': state,
    } = outcomes[i]!.values ?? {}
    return { ...item, pictureState: state, finishedAt, entryTag, foundBytes: found }
  })
  const counters = putCounters(
    { tenant, id, shards: 1, ttl: ttlOf(expiresAt) },
    { succeeded: finished.length, failed: 0, cancelled: 0 },
    new Map<string, readonly [number, number]>([
      ...labels.map((label) => [label, MANY] as const),
      ...sumLabels(finished.map(foundIn)),
    ]),
  ).item
  const units = (items: readonly Parameters<typeof unitsOf>[0][]): number =>
    items.reduce((sum, item) => sum + unitsOf(item), 0)
  const stored = [...after, ...before].reduce((sum, item) => sum + itemBytes(item) + STORED_BESIDES, 0)
  return {
    writeUnits:
      (units(made) + units(before) + IN_TRANSACTION * units([...after, counters])) / finished.length,
    bytes: stored / finished.length,
  }
}

const foundIn = ({ outcome }: FinishedPicture): FoundPicture | undefined =>
  outcome.state === 'succeeded' ? outcome.found : undefined
