/**
 * Where the items of the one table lie. A partition takes a thousand writes a second, so what belongs to a large job is
 * spread over many of them.
 */
import { createHash } from 'node:crypto'
import type { PictureRef } from '../../jobs/job.ts'

export interface Key {
  readonly pk: string
  readonly sk: string
}

/** Pictures of a job that lie together, in order of their numbers. */
const CHUNK = 256
/** A name within a key may be as long as this; longer ones are there by their hash. */
const MOST_NAME = 200
const DIGITS = 8
const TIME_DIGITS = 15

/** `#` stands between the parts of a key, and in none of them. */
function part(text: string): string {
  const coded = encodeURIComponent(text)
  return coded.length <= MOST_NAME ? coded : `:${createHash('sha256').update(text).digest('base64url')}`
}

const padded = (n: number): string => String(n).padStart(DIGITS, '0')

export const jobsOf = (tenant: string): string => `T#${part(tenant)}`
export const jobKey = (tenant: string, id: string): Key => ({ pk: jobsOf(tenant), sk: id })

const countersOf = (tenant: string, id: string): string => `C#${part(tenant)}#${id}`
export const counterKey = (tenant: string, id: string, shard: number): Key => ({
  pk: countersOf(tenant, id),
  sk: padded(shard),
})
export const countersPartition = countersOf

export const chunkOf = (n: number): number => Math.floor(n / CHUNK)
export const chunkPartition = (tenant: string, id: string, chunk: number): string =>
  `P#${part(tenant)}#${id}#${chunk}`
export const pictureKey = ({ tenant, job, n }: PictureRef): Key => ({
  pk: chunkPartition(tenant, job, chunkOf(n)),
  sk: padded(n),
})

/** Pictures that failed, so that nobody walks a million to find three. */
export const failuresPartition = (tenant: string, id: string): string => `E#${part(tenant)}#${id}`
export const failureKey = ({ tenant, job, n }: PictureRef): Key => ({
  pk: failuresPartition(tenant, job),
  sk: padded(n),
})

/** Numbers of pictures that have no message in the queue yet. */
export const OUTBOX = 'OUT'
export const outboxKey = (id: string, from: number, again = ''): Key => ({
  pk: OUTBOX,
  sk: `${id}#${padded(from)}${again}`,
})
/** Jobs whose end nobody was told of, and those with a manifest that is not read to its end. */
export const ENDED = 'END'
export const UNREAD = 'READ'
export const markKey = (mark: typeof ENDED | typeof UNREAD, tenant: string, id: string): Key => ({
  pk: mark,
  sk: `${id}#${part(tenant)}`,
})

export const idempotencyKey = (tenant: string, key: string): Key => ({
  pk: `K#${part(tenant)}#${part(key)}`,
  sk: '-',
})
export const arrivalKey = (tenant: string, identity: string): Key => ({
  pk: `A#${part(tenant)}#${part(identity)}`,
  sk: '-',
})
export const modelKey = (key: string): Key => ({ pk: `M#${part(key)}`, sk: '-' })
export const blobKey = (key: string): Key => ({ pk: `B#${part(key)}`, sk: '-' })

/** What search walks: a label in a tenth of a score, or one of the lists that hold every picture of a kind. */
export const labelPartition = (tenant: string, label: string, bucket: number): string =>
  `L#${part(tenant)}#${part(label)}#${bucket}`
export const listPartition = (tenant: string, list: 'done' | 'deny' | 'review' | 'uncertain'): string =>
  `S#${part(tenant)}#${list}`
/** Of an entry of the index, which holds pictures of one job that were finished together. Sorts by time. */
export const entryKey = (at: number, job: string, tag: string): string => `${placeAt(at)}#${job}#${tag}`
/** One picture of an entry; the places of an entry lie between it and the next one. */
export const placeIn = (entry: string, n: number): string => `${entry}#${padded(n)}`
export const PLACE = /^(?<entry>\d{15}#[0-9a-z]{26}#[0-9a-f]{8})#\d{8}$/
/** The least place of a moment. */
export const placeAt = (at: number): string => String(Math.max(0, at)).padStart(TIME_DIGITS, '0')

export const stateIndexKey = (tenant: string, state: string): string => `${part(tenant)}#${state}`
export const batchIndexKey = (tenant: string, batch: string): string => `${part(tenant)}#${part(batch)}`

export const EVENTS = 'EV'
export const deadPartition = (queue: string): string => `D#${part(queue)}`
