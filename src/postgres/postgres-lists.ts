import { timePrefix } from '../jobs/id.ts'
import type { Job, JobPicture } from '../jobs/job.ts'
import type { JobQuery, LabelTotal, Page, PictureQuery } from '../jobs/job-store.ts'
import { jobOf, pictureOf } from '../local/job-rows.ts'
import type { Asking, Row, Value } from './database.ts'

/** @param lock `FOR UPDATE` holds the row to the end of the transaction */
export const jobRow = (asking: Asking, tenant: string, id: string, lock = ''): Promise<Row | undefined> =>
  asking.get(`SELECT * FROM jobs WHERE tenant = $1 AND id = $2 ${lock}`, tenant, id)

/** Newest first. */
export async function listJobs(asking: Asking, tenant: string, query: JobQuery): Promise<Page<Job>> {
  const { states, batch, since, until, limit, cursor } = query
  const values: Value[] = [tenant]
  const of = (value: Value): string => `$${values.push(value)}`
  const parts = [
    'tenant = $1',
    ...(batch === undefined ? [] : [`batch = ${of(batch)}`]),
    ...(since === undefined ? [] : [`id >= ${of(timePrefix(since))}`]),
    ...(cursor === undefined && until === undefined ? [] : [`id < ${of(cursor ?? timePrefix(until!))}`]),
  ]
  // One range of an index for each state: a filter over all jobs would walk those that ended long ago.
  const ranges = (states ?? [undefined]).map((state) => {
    const where = [...parts, ...(state === undefined ? [] : [`state = ${of(state)}`])]
    return `(SELECT * FROM jobs WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ${limit + 1})`
  })
  const rows = await asking.all(
    `SELECT * FROM (${ranges.join(' UNION ALL ')}) u ORDER BY id DESC LIMIT ${limit + 1}`,
    ...values,
  )
  const items = rows.slice(0, limit).map(jobOf)
  return { items, ...(rows.length > limit && { cursor: items.at(-1)!.id }) }
}

/** By number. */
export async function listPictures(
  asking: Asking,

  tenant: string,
  id: string,
  { states, limit, cursor }: PictureQuery,
): Promise<Page<JobPicture>> {
  const ranges = (states ?? [undefined]).map(
    (state) =>
      `(SELECT p.* FROM pictures p WHERE p.job = (SELECT seq FROM jobs WHERE tenant = $1 AND id = $2)
        ${state === undefined ? '' : `AND p.state = '${state}'`} AND p.n > $3 ORDER BY p.n LIMIT ${limit + 1})`,
  )
  const rows = await asking.all(
    `SELECT * FROM (${ranges.join(' UNION ALL ')}) u ORDER BY n LIMIT ${limit + 1}`,
    tenant,
    id,
    cursor === undefined ? -1 : Number(cursor),
  )
  const items = rows.slice(0, limit).map(pictureOf)
  return { items, ...(rows.length > limit && { cursor: String(items.at(-1)!.n) }) }
}

/** By number of pictures, greatest first. */
export async function totalsOf(asking: Asking, tenant: string, id: string): Promise<LabelTotal[]> {
  const rows = await asking.all(
    `SELECT label, pictures, objects FROM totals JOIN jobs ON jobs.seq = totals.job
     WHERE jobs.tenant = $1 AND jobs.id = $2 ORDER BY pictures DESC, objects DESC, label`,
    tenant,
    id,
  )
  return rows.map(({ label, pictures, objects }) => ({
    label: String(label),
    pictures: Number(pictures),
    objects: Number(objects),
  }))
}
