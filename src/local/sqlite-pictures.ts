import type { NewPicture } from '../jobs/job-store.ts'
import type { StoreFile } from './store-file.ts'

/**
 * Adds pictures to a job from number `first` on.
 *
 * @returns how many of them have failed with that, since their lines name no picture
 */
export function addPictures(
  file: StoreFile,
  job: { seq: number; tenant: string },
  pictures: readonly NewPicture[],
  first: number,
  now: number,
): number {
  let failed = 0
  for (const [index, { name, source, line, arrival }] of pictures.entries()) {
    const error = source.kind === 'none' ? source.error : undefined
    const { id } = file.run(
      `INSERT INTO pictures (job, n, tenant, name, line, source, state, sent, finished, error, identity, sequencer)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      job.seq,
      first + index,
      job.tenant,
      name,
      line ?? null,
      JSON.stringify(source),
      error === undefined ? 'queued' : 'failed',
      error === undefined ? 0 : 1,
      error === undefined ? null : now,
      error === undefined ? null : JSON.stringify(error),
      arrival?.identity ?? null,
      arrival?.sequencer ?? null,
    )
    if (error !== undefined) {
      failed++
    }
    if (arrival !== undefined) {
      arrive(file, job.tenant, arrival.identity, arrival.sequencer, id)
    }
    if (source.kind === 'blob' && source.owned) {
      useBlob(file, source.ref.key, job.seq)
    }
  }
  return failed
}

/** The version before is not found any more: what it showed is not there any more either. */
function arrive(file: StoreFile, tenant: string, identity: string, sequencer: string, picture: number): void {
  const before = file.get(
    'SELECT picture FROM arrivals WHERE tenant = ? AND identity = ?',
    tenant,
    identity,
  )?.picture
  if (typeof before === 'number') {
    file.run('DELETE FROM finds WHERE picture = ?', before)
  }
  file.run(
    'INSERT OR REPLACE INTO arrivals (tenant, identity, sequencer, picture) VALUES (?, ?, ?, ?)',
    tenant,
    identity,
    sequencer,
    picture,
  )
}

export function useBlob(file: StoreFile, key: string, job: number): void {
  file.run('INSERT OR IGNORE INTO blobs (key, job) VALUES (?, ?)', key, job)
}

/** A job with everything that hangs on it. That a version of a picture has arrived stays known. */
export function removeJob(file: StoreFile, seq: number): void {
  file.run('DELETE FROM finds WHERE picture IN (SELECT seq FROM pictures WHERE job = ?)', seq)
  file.run('DELETE FROM totals WHERE job = ?', seq)
  file.run('DELETE FROM blobs WHERE job = ?', seq)
  file.run('DELETE FROM pictures WHERE job = ?', seq)
  file.run('DELETE FROM jobs WHERE seq = ?', seq)
}

/** Removes some jobs whose time is over, and keys that are forgotten. @returns how many jobs */
export function pruneJobs(file: StoreFile, now: number, limit: number): number {
  const jobs = file.all('SELECT seq FROM jobs WHERE expires <= ? ORDER BY expires LIMIT ?', now, limit)
  for (const { seq } of jobs) {
    removeJob(file, seq as number)
  }
  file.run(
    'DELETE FROM keys WHERE (tenant, key) IN (SELECT tenant, key FROM keys WHERE expires <= ? LIMIT ?)',
    now,
    limit,
  )
  return jobs.length
}
