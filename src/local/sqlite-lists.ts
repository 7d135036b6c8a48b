/** Pages of jobs and of their pictures, and what was found in them by label. */
import { timePrefix } from '../jobs/id.ts'
import type { Job, JobPicture } from '../jobs/job.ts'
import type { JobQuery, LabelTotal, Page, PictureQuery } from '../jobs/job-store.ts'
import { jobOf, pictureOf } from './job-rows.ts'
import type { SqlValue } from './sqlite.ts'
import type { StoreFile } from './store-file.ts'

export function listJobs(file: StoreFile, tenant: string, query: JobQuery): Page<Job> {
  const { states, batch, since, until, limit, cursor } = query
  // One range of an index for each state: a filter over all jobs would walk those that ended long ago.
  const ranges = batch === undefined && states !== undefined ? states.map((state) => [state]) : [states]
  const rows = ranges.flatMap((of) => {
    const parts = ['tenant = ?']
    const values: SqlValue[] = [tenant]
    const add = (part: string, ...given: SqlValue[]): void => {
      parts.push(part)
      values.push(...given)
    }
    if (of !== undefined) {
      add(`state IN (${of.map(() => '?').join(', ')})`, ...of)
    }
    if (batch !== undefined) {
      add('batch = ?', batch)
    }
    if (since !== undefined) {
      add('id >= ?', timePrefix(since))
    }
    if (cursor !== undefined || until !== undefined) {
      add('id < ?', cursor ?? timePrefix(until!))
    }
    return file.all(
      `SELECT * FROM jobs WHERE ${parts.join(' AND ')} ORDER BY id DESC LIMIT ?`,
      ...values,
      limit + 1,
    )
  })
  rows.sort((a, b) => (String(a.id) < String(b.id) ? 1 : -1))
  const items = rows.slice(0, limit).map(jobOf)
  return { items, ...(rows.length > limit && { cursor: items.at(-1)!.id }) }
}

/** @param job its number in the tables */
export function listPictures(file: StoreFile, job: number, query: PictureQuery): Page<JobPicture> {
  const { states, limit } = query
  const after = query.cursor === undefined ? -1 : Number(query.cursor)
  const filters = states === undefined ? [''] : states.map((state) => `AND state = '${state}'`)
  const rows = filters.flatMap((filter) =>
    file.all(
      `SELECT * FROM pictures WHERE job = ? ${filter} AND n > ? ORDER BY n LIMIT ?`,
      job,
      after,
      limit + 1,
    ),
  )
  rows.sort((a, b) => Number(a.n) - Number(b.n))
  const items = rows.slice(0, limit).map(pictureOf)
  return { items, ...(rows.length > limit && { cursor: String(items.at(-1)!.n) }) }
}

export const totalsOf = (file: StoreFile, tenant: string, id: string): LabelTotal[] =>
  file
    .all(
      `SELECT label, pictures, objects FROM totals JOIN jobs ON jobs.seq = totals.job
       WHERE jobs.tenant = ? AND jobs.id = ? ORDER BY pictures DESC, objects DESC, label`,
      tenant,
      id,
    )
    .map(({ label, pictures, objects }) => ({
      label: String(label),
      pictures: Number(pictures),
      objects: Number(objects),
    }))
