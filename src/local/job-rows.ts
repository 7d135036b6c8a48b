/** Rows of the tables as the nouns that they hold. */
import type { Job, JobPicture, JobState } from '../jobs/job.ts'
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
