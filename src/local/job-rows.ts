/** Rows of the tables as the nouns that they hold. */
import type { Job, JobCounts, JobPicture, JobState } from '../jobs/job.ts'
import type { Row } from './sqlite.ts'

export function jobOf(row: Row): Job {
  return {
    id: String(row.id),
    tenant: String(row.tenant),
    state: row.state as JobState,
    ...(row.batch !== null && { batch: String(row.batch) }),
    options: JSON.parse(String(row.options)) as Job['options'],
    counts: {
      total: Number(row.total),
      succeeded: Number(row.succeeded),
      failed: Number(row.failed),
      cancelled: Number(row.cancelled),
    },
    complete: row.manifest === null,
    createdAt: Number(row.created),
    ...(row.started !== null && { startedAt: Number(row.started) }),
    ...(row.finished !== null && { finishedAt: Number(row.finished) }),
    expiresAt: Number(row.expires),
  }
}

export function pictureOf(row: Row): JobPicture {
  return {
    n: Number(row.n),
    name: String(row.name),
    ...(row.line !== null && { line: Number(row.line) }),
    source: JSON.parse(String(row.source)) as JobPicture['source'],
    state: row.state as JobState,
    attempts: Number(row.attempts),
    ...(row.finished !== null && { finishedAt: Number(row.finished) }),
    ...(typeof row.error === 'string' && {
      error: JSON.parse(row.error) as NonNullable<JobPicture['error']>,
    }),
    ...(typeof row.found === 'string' && {
      found: JSON.parse(row.found) as NonNullable<JobPicture['found']>,
    }),
  }
}

/** Counts of a job from its pictures, given how many have each state. */
export function countsOf(rows: readonly Row[]): JobCounts {
  const counts: JobCounts = { total: 0, succeeded: 0, failed: 0, cancelled: 0 }
  for (const { state, n } of rows) {
    counts.total += Number(n)
    if (state === 'succeeded' || state === 'failed' || state === 'cancelled') {
      counts[state] += Number(n)
    }
  }
  return counts
}
