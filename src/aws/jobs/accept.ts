import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { jobId } from '../../jobs/id.ts'
import type { Job } from '../../jobs/job.ts'
import { type Accepted, compareSequencers, type NewJob } from '../../jobs/job-store.ts'
import { defined } from '../../system/defined.ts'
import { countWrite, shardsFor } from './counters.ts'
import { pictureItem, ttlOf } from './job-items.ts'
import type { JobReader } from './job-reader.ts'
import {
  arrivalKey,
  batchIndexKey,
  blobKey,
  failureKey,
  idempotencyKey,
  jobKey,
  markKey,
  outboxKey,
  stateIndexKey,
  UNREAD,
} from './keys.ts'
import { rangesOf } from './outbox.ts'
import type { Table, Write } from './table.ts'

/** Pictures that go into the transaction of their job; more are written before it, where nobody sees them yet. */
const MOST_AT_ONCE = 40
/** Others may take the key, or bring a version, between the look and the transaction. */
const MOST_TRIES = 5

/** Makes one job unless its key or the version of its picture is known. */
export async function accept(table: Table, jobs: JobReader, job: NewJob, now: number): Promise<Accepted> {
  for (let tries = 1; ; tries++) {
    const known = (await knownKey(table, jobs, job, now)) ?? (await knownArrival(table, jobs, job))
    if ('outcome' in known) {
      return known
    }
    const id = jobId(now)
    const broken = await make(table, job, id, known, now)
    if (broken.length === 0) {
      return { outcome: 'created', job: newJob(job, id, now) }
    }
    if (tries === MOST_TRIES) {
      return { outcome: 'outdated' }
    }
  }
}

function newJob({ tenant, batch, options, pictures, manifest, ttlMs }: NewJob, id: string, now: number): Job {
  const failed = pictures.filter(({ source }) => source.kind === 'none').length
  return {
    id,
    tenant,
    state: failed > 0 ? 'running' : 'queued',
    ...defined({ batch }),
    options,
    counts: { total: pictures.length, succeeded: 0, failed, cancelled: 0 },
    complete: manifest === undefined,
    createdAt: now,
    expiresAt: now + ttlMs,
  }
}

/** The sequencer that the table holds for the picture of a job. */
interface Before {
  sequencer?: string
}

async function make(table: Table, job: NewJob, id: string, before: Before, now: number): Promise<number[]> {
  const { tenant, pictures, manifest, key } = job
  const expiresAt = now + job.ttlMs
  const ttl = ttlOf(expiresAt)
  const failed = pictures.flatMap(({ source }, n) => (source.kind === 'none' ? [n] : []))
  const open = pictures.flatMap(({ source }, n) => (source.kind === 'none' ? [] : [n]))
  const shards = shardsFor(pictures.length, manifest !== undefined)
  const state = failed.length > 0 ? 'running' : 'queued'
  const writes: Write[] = [
    {
      kind: 'put',
      item: {
        ...jobKey(tenant, id),
        tenant,
        jobState: state,
        batch: job.batch,
        jobOptions: JSON.stringify(job.options),
        pictureTotal: pictures.length,
        manifestAt:
          manifest === undefined ? undefined : JSON.stringify({ source: manifest, offset: 0, lines: 0 }),
        createdAt: now,
        expiresAt,
        shards,
        revision: 0,
        byState: stateIndexKey(tenant, state),
        byBatch: job.batch === undefined ? undefined : batchIndexKey(tenant, job.batch),
        ttl,
      },
    },
  ]
  if (open.length > 0) {
    const group = groupOf(tenant, id, pictures.length)
    writes.push({
      kind: 'put',
      item: { ...outboxKey(id, 0), tenant, job: id, ranges: rangesOf(open), group, ttl },
    })
  }
  if (failed.length > 0) {
    writes.push(countWrite({ tenant, id, shards, ttl }, { failed: failed.length }))
  }
  if (manifest !== undefined) {
    writes.push({ kind: 'put', item: { ...markKey(UNREAD, tenant, id), tenant, job: id, ttl } })
  }
  if (key !== undefined) {
    writes.push({
      kind: 'put',
      item: {
        ...idempotencyKey(tenant, key.key),
        key: key.key,
        fingerprint: key.fingerprint,
        job: id,
        expiresAt: now + JOB_DEFAULTS.keyMs,
        ttl: ttlOf(now + JOB_DEFAULTS.keyMs),
      },
      condition: 'attribute_not_exists(pk) OR expiresAt <= :now',
      values: { ':now': now },
    })
  }
  const arrival = pictures.length === 1 ? pictures[0]!.arrival : undefined
  if (arrival !== undefined) {
    writes.push({
      kind: 'put',
      item: {
        ...arrivalKey(tenant, arrival.identity),
        tenant,
        identity: arrival.identity,
        sequencer: arrival.sequencer,
        job: id,
        n: 0,
        ttl,
      },
      ...(before.sequencer === undefined
        ? { condition: 'attribute_not_exists(pk)' }
        : { condition: 'sequencer = :before', values: { ':before': before.sequencer } }),
    })
  }
  const items = pictures.map((picture, n) => ({
    kind: 'put' as const,
    item: pictureItem({ tenant, job: id, n }, picture, expiresAt, now),
  }))
  const marks = [
    ...failed.map((n) => ({ kind: 'put' as const, item: { ...failureKey({ tenant, job: id, n }), n, ttl } })),
    ...blobWrites(
      [...pictures.flatMap(ownedBlob), ...(manifest === undefined ? [] : [manifest.key])],
      expiresAt,
    ),
  ]
  if (items.length > MOST_AT_ONCE) {
    await table.writeAll(items)
  } else {
    writes.push(...items)
  }
  await table.writeAll(marks)
  return table.transact(writes)
}

const ownedBlob = ({ source }: NewJob['pictures'][number]): string[] =>
  source.kind === 'blob' && source.owned ? [source.ref.key] : []

/** Notes that blobs are needed. The last to note one decides how long, which only a bucket's own rules act on. */
export const blobWrites = (keys: readonly string[], expiresAt: number): Extract<Write, { kind: 'put' }>[] =>
  [...new Set(keys)].map((key) => ({
    kind: 'put',
    item: { ...blobKey(key), expiresAt, ttl: ttlOf(expiresAt) },
  }))

/** From this many pictures on a job waits in a line of its own, so that single pictures pass it. */
const OWN_GROUP = 16
export const groupOf = (tenant: string, id: string, total: number): string =>
  total >= OWN_GROUP ? `${tenant}/${id}` : tenant

async function knownKey(
  table: Table,
  jobs: JobReader,
  { tenant, key }: NewJob,
  now: number,
): Promise<Accepted | undefined> {
  const item = key === undefined ? undefined : await table.get(idempotencyKey(tenant, key.key))
  if (key === undefined || item === undefined || Number(item.expiresAt) <= now) {
    return undefined
  }
  const job = await jobs.get(tenant, String(item.job))
  if (job === undefined) {
    return undefined
  }
  return item.fingerprint === key.fingerprint ? { outcome: 'same', job } : { outcome: 'conflict' }
}

async function knownArrival(table: Table, jobs: JobReader, job: NewJob): Promise<Accepted | Before> {
  const arrival = job.pictures.length === 1 ? job.pictures[0]!.arrival : undefined
  const item = arrival === undefined ? undefined : await table.get(arrivalKey(job.tenant, arrival.identity))
  if (arrival === undefined || item === undefined) {
    return {}
  }
  const order = compareSequencers(arrival.sequencer, String(item.sequencer))
  if (order > 0) {
    return { sequencer: String(item.sequencer) }
  }
  const same = order === 0 ? await jobs.get(job.tenant, String(item.job)) : undefined
  return same === undefined
    ? { outcome: 'outdated', sequencer: String(item.sequencer) }
    : { outcome: 'same', job: same }
}
