import type { FinalState, FoundPicture } from '../../jobs/job.ts'
import type { LabelTotal } from '../../jobs/job-store.ts'
import type { Item } from './item.ts'
import { counterKey, countersPartition } from './keys.ts'
import type { Table, Write } from './table.ts'

export type Counts = Record<FinalState, number>
export const NO_COUNTS: Counts = { succeeded: 0, failed: 0, cancelled: 0 }

/** From this many pictures on the counters of a job lie in several items, which workers choose from by chance. */
const MANY = 64
const SHARDS = 16
/** Attributes of labels, beside those of the states. */
const LABEL = 'label:'
/**
 * Pictures and objects of a label are one number, so that a picture with four labels adds four numbers: thousand
 * millions of objects are more than a job can have.
 */
const PICTURE = 1e9

export const shardsFor = (pictures: number, hasManifest: boolean): number =>
  hasManifest || pictures >= MANY ? SHARDS : 1

export interface JobCounters {
  tenant: string
  id: string
  shards: number
  ttl: number
}

/** Adds to the counters of a job; with `shut` to those of one that was cancelled, otherwise only of an open one. */
export function countWrite(
  { tenant, id, shards, ttl }: JobCounters,
  counts: Partial<Counts>,
  { labels = new Map(), shut = false }: { labels?: LabelSums; shut?: boolean } = {},
): Write {
  const names: Record<string, string> = {}
  const values: Record<string, number> = { ':ttl': ttl }
  const adds: string[] = []
  const add = (attribute: string, by: number): void => {
    const at = adds.length
    names[`#c${at}`] = attribute
    values[`:c${at}`] = by
    adds.push(`#c${at} :c${at}`)
  }
  for (const [state, by] of Object.entries(counts)) {
    add(state, by)
  }
  for (const [label, [pictures, objects]] of labels) {
    add(LABEL + label, pictures * PICTURE + objects)
  }
  return {
    kind: 'update',
    key: counterKey(tenant, id, Math.floor(Math.random() * shards)),
    set: `ADD ${adds.join(', ')} SET #ttl = :ttl`,
    names: { ...names, '#ttl': 'ttl' },
    values,
    condition: shut ? 'attribute_exists(closed)' : 'attribute_not_exists(closed)',
  }
}

/** Shuts or opens the counters, and with them all pictures that have not ended. */
export const gateWrites = ({ tenant, id, shards, ttl }: JobCounters, shut: boolean): Write[] =>
  Array.from({ length: shards }, (_, shard) => ({
    kind: 'update',
    key: counterKey(tenant, id, shard),
    set: shut ? 'SET closed = :closed, #ttl = :ttl' : 'SET #ttl = :ttl REMOVE closed',
    names: { '#ttl': 'ttl' },
    values: { ':ttl': ttl, ...(shut && { ':closed': 1 }) },
  }))

/** All counters of a job, as one item. */
export async function readCounters(table: Table, tenant: string, id: string): Promise<Item> {
  const sums: Record<string, number> = {}
  for await (const item of table.query({ pk: countersPartition(tenant, id) })) {
    for (const [name, value] of Object.entries(item)) {
      if (typeof value === 'number' && name !== 'closed' && name !== 'ttl') {
        sums[name] = (sums[name] ?? 0) + value
      }
    }
  }
  return sums
}

export const countsOf = ({ succeeded = 0, failed = 0, cancelled = 0 }: Item): Counts => ({
  succeeded: Number(succeeded),
  failed: Number(failed),
  cancelled: Number(cancelled),
})

/** By number of pictures, greatest first. */
export function totalsOf(counters: Item): LabelTotal[] {
  return Object.entries(counters)
    .filter(([name]) => name.startsWith(LABEL))
    .map(([name, value]) => ({
      label: name.slice(LABEL.length),
      pictures: Math.floor(Number(value) / PICTURE),
      objects: Number(value) % PICTURE,
    }))
    .sort((a, b) => b.pictures - a.pictures || b.objects - a.objects || (a.label < b.label ? -1 : 1))
}

/** Pictures that have a label, and objects in them. */
type LabelSums = ReadonlyMap<string, readonly [pictures: number, objects: number]>

export function sumLabels(pictures: readonly (FoundPicture | undefined)[]): Map<string, [number, number]> {
  const sums = new Map<string, [pictures: number, objects: number]>()
  for (const found of pictures) {
    const seen = new Set<string>()
    for (const { label } of found?.image.detections ?? []) {
      const [before, objects] = sums.get(label) ?? [0, 0]
      sums.set(label, [before + (seen.has(label) ? 0 : 1), objects + 1])
      seen.add(label)
    }
  }
  return sums
}

/** The counters of a job that comes from another store, in their first item. */
export const putCounters = (
  { tenant, id, ttl }: JobCounters,
  counts: Counts,
  labels: LabelSums,
): Extract<Write, { kind: 'put' }> => ({
  kind: 'put',
  item: {
    ...counterKey(tenant, id, 0),
    ...counts,
    ...Object.fromEntries(
      [...labels].map(([label, [pictures, objects]]) => [LABEL + label, pictures * PICTURE + objects]),
    ),
    ttl,
  },
})
