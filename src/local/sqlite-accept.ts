import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import { jobId } from '../jobs/id.ts'
import { type Accepted, compareSequencers, type NewJob } from '../jobs/job-store.ts'
import { jobOf } from './job-rows.ts'
import type { Row } from './sqlite.ts'
import { addPictures, useBlob } from './sqlite-pictures.ts'
import { refresh } from './sqlite-progress.ts'
import type { StoreFile } from './store-file.ts'

/** Makes one job, inside a transaction, unless its key or the version of its picture is known. */
export function accept(file: StoreFile, job: NewJob, now: number): Accepted {
  const { tenant, key, pictures, manifest } = job
  const known = key === undefined ? undefined : knownKey(file, tenant, key, now)
  if (known !== undefined) {
    return known
  }
  const arrived = pictures.length === 1 ? knownArrival(file, tenant, pictures[0]!.arrival) : undefined
  if (arrived !== undefined) {
    return arrived
  }
  const id = jobId(now)
  const { id: seq } = file.run(
    `INSERT INTO jobs (id, tenant, state, batch, options, total, created, expires, manifest)
     VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?)`,
    id,
    tenant,
    job.batch ?? null,
    JSON.stringify(job.options),
    pictures.length,
    now,
    now + job.ttlMs,
    manifest === undefined ? null : JSON.stringify({ source: manifest, offset: 0, lines: 0 }),
  )
  if (manifest !== undefined) {
    useBlob(file, manifest.key, seq)
  }
  if (key !== undefined) {
    file.run(
      'INSERT OR REPLACE INTO keys (tenant, key, fingerprint, job, expires) VALUES (?, ?, ?, ?, ?)',
      tenant,
      key.key,
      key.fingerprint,
      seq,
      now + JOB_DEFAULTS.keyMs,
    )
  }
  const failed = addPictures(file, { seq, tenant }, pictures, 0, now)
  if (failed > 0 || (pictures.length === 0 && manifest === undefined)) {
    refresh(file, seq, { failed }, now)
  }
  return { outcome: 'created', job: jobOf(bySeq(file, seq)!) }
}

const bySeq = (file: StoreFile, seq: number): Row | undefined =>
  file.get('SELECT * FROM jobs WHERE seq = ?', seq)

function knownKey(
  file: StoreFile,
  tenant: string,
  { key, fingerprint }: { key: string; fingerprint: string },
  now: number,
): Accepted | undefined {
  const row = file.get(
    'SELECT fingerprint, job FROM keys WHERE tenant = ? AND key = ? AND expires > ?',
    tenant,
    key,
    now,
  )
  const job = row === undefined ? undefined : bySeq(file, row.job as number)
  if (row === undefined || job === undefined) {
    return undefined
  }
  return row.fingerprint === fingerprint ? { outcome: 'same', job: jobOf(job) } : { outcome: 'conflict' }
}

function knownArrival(
  file: StoreFile,
  tenant: string,
  arrival: NewJob['pictures'][number]['arrival'],
): Accepted | undefined {
  if (arrival === undefined) {
    return undefined
  }
  const row = file.get(
    'SELECT sequencer, picture FROM arrivals WHERE tenant = ? AND identity = ?',
    tenant,
    arrival.identity,
  )
  const order = row === undefined ? 1 : compareSequencers(arrival.sequencer, String(row.sequencer))
  if (row === undefined || order > 0) {
    return undefined
  }
  const job =
    order === 0
      ? file.get(
          'SELECT * FROM jobs WHERE seq = (SELECT job FROM pictures WHERE seq = ?)',
          row.picture as number,
        )
      : undefined
  return job === undefined
    ? { outcome: 'outdated', sequencer: String(row.sequencer) }
    : { outcome: 'same', job: jobOf(job) }
}
