/** Items of the table as the nouns that they hold. */
import { isFinal, type Job, type JobState, type PictureRef, stateOf } from '../../jobs/job.ts'
import type { NewPicture } from '../../jobs/job-store.ts'
import { defined } from '../../system/defined.ts'
import type { Counts } from './counters.ts'
import type { Item } from './item.ts'
import { type Key, pictureKey } from './keys.ts'

/** DynamoDB removes an item some time after this second. */
export const ttlOf = (expiresAt: number): number => Math.ceil(expiresAt / 1000)

/** @param counts of all shards; those that the item itself has once the job has ended otherwise */
export function jobOf(item: Item, counts: Counts): Job {
  const total = Number(item.pictureTotal)
  const finishedAt = optionalNumber(item.finishedAt)
  const startedAt = optionalNumber(item.startedAt)
  const stored = item.jobState as JobState
  const { succeeded, failed } = counts
  // What had not ended when the job was cancelled was cancelled with it, whether or not its item says so.
  const cancelled = stored === 'cancelled' ? total - succeeded - failed : counts.cancelled
  const all = { total, succeeded, failed, cancelled }
  const complete = item.manifestAt === undefined
  const derived = stateOf(all, complete)
  const open = isFinal(derived) || derived === 'running' || startedAt !== undefined ? 'running' : 'queued'
  return {
    id: String(item.sk),
    tenant: String(item.tenant),
    state: finishedAt === undefined ? open : stored,
    ...(item.batch !== undefined && { batch: String(item.batch) }),
    options: JSON.parse(String(item.jobOptions)) as Job['options'],
    counts: all,
    complete,
    createdAt: Number(item.createdAt),
    ...defined({ startedAt, finishedAt }),
    expiresAt: Number(item.expiresAt),
  }
}

export const optionalNumber = (value: Item[string] | undefined): number | undefined =>
  value === undefined ? undefined : Number(value)

/** A picture as it is accepted. */
export function pictureItem(
  ref: PictureRef,
  { name, source, line, arrival }: NewPicture,
  expiresAt: number,
  now: number,
): Key & Record<string, string | number | undefined> {
  const failed = source.kind === 'none'
  return {
    ...pictureKey(ref),
    job: ref.job,
    n: ref.n,
    pictureState: failed ? 'failed' : 'queued',
    pictureName: name,
    pictureSource: JSON.stringify(source),
    pictureLine: line,
    arrival: arrival?.identity,
    sequencer: arrival?.sequencer,
    attempts: 0,
    finishedAt: failed ? now : undefined,
    lastError: failed ? JSON.stringify(source.error) : undefined,
    ttl: ttlOf(expiresAt),
  }
}
