import type { NewPicture } from '../jobs/job-store.ts'
import { type Asking, text } from './database.ts'

interface Added {
  /** Number of the job in the table. */
  seq: number
  tenant: string
  /** Number of the first picture within its job. */
  first: number
  pictures: readonly NewPicture[]
}

/**
 * Adds pictures to jobs.
 *
 * @returns how many of each job have failed with that, since their lines name no picture
 */
export async function addPictures(
  asking: Asking,
  added: readonly Added[],
  now: number,
): Promise<Map<number, number>> {
  const all = added.flatMap(({ seq, tenant, first, pictures }) =>
    pictures.map((picture, index) => ({ ...picture, job: seq, tenant, n: first + index })),
  )
  const failed = new Map<number, number>()
  if (all.length === 0) {
    return failed
  }
  const rows = all.map(({ job, n, tenant, name, line, source, arrival }, place) => {
    const error = source.kind === 'none' ? source.error : undefined
    if (error !== undefined) {
      failed.set(job, (failed.get(job) ?? 0) + 1)
    }
    return {
      place,
      job,
      n,
      tenant: text(tenant),
      name: text(name),
      line: line ?? null,
      source: JSON.stringify(source),
      state: error === undefined ? 'queued' : 'failed',
      sent: error !== undefined,
      finished: error === undefined ? null : now,
      error: error === undefined ? null : JSON.stringify(error),
      identity: arrival === undefined ? null : text(arrival.identity),
      sequencer: arrival?.sequencer ?? null,
    }
  })
  const made = await asking.all(
    `INSERT INTO pictures (job, n, tenant, name, line, source, state, sent, finished, error, identity, sequencer)
     SELECT job, n, tenant, name, line, source, state, sent, finished, error, identity, sequencer
     FROM json_to_recordset($1::json) AS new (job bigint, n bigint, tenant text, name text, line bigint,
       source text, state text, sent boolean, finished bigint, error text, identity text, sequencer text, place bigint)
     ORDER BY place RETURNING seq, tenant, identity, sequencer`,
    JSON.stringify(rows),
  )
  for (const { seq, tenant, identity, sequencer } of made) {
    if (identity !== null) {
      await arrive(asking, String(tenant), String(identity), String(sequencer), Number(seq))
    }
  }
  await useBlobs(
    asking,
    all.flatMap(({ source, job }) =>
      source.kind === 'blob' && source.owned ? [{ key: source.ref.key, job }] : [],
    ),
  )
  return failed
}

/** The version before is not found any more: what it showed is not there any more either. */
async function arrive(
  asking: Asking,
  tenant: string,
  identity: string,
  sequencer: string,
  picture: number,
): Promise<void> {
  await asking.run(
    'DELETE FROM finds WHERE picture = (SELECT picture FROM arrivals WHERE tenant = $1 AND identity = $2)',
    tenant,
    identity,
  )
  await asking.run(
    `INSERT INTO arrivals (tenant, identity, sequencer, picture) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant, identity) DO UPDATE SET sequencer = $3, picture = $4`,
    tenant,
    identity,
    sequencer,
    picture,
  )
}

export async function useBlobs(asking: Asking, used: readonly { key: string; job: number }[]): Promise<void> {
  if (used.length > 0) {
    await asking.run(
      'INSERT INTO blobs (key, job) SELECT * FROM unnest($1::text[], $2::bigint[]) ORDER BY 1, 2 ON CONFLICT DO NOTHING',
      used.map(({ key }) => key),
      used.map(({ job }) => job),
    )
  }
}

/** Jobs with everything that hangs on them. That a version of a picture has arrived stays known. */
export async function removeJobs(asking: Asking, jobs: readonly number[]): Promise<void> {
  await asking.run('DELETE FROM finds WHERE picture IN (SELECT seq FROM pictures WHERE job = ANY($1))', jobs)
  for (const table of ['totals', 'blobs', 'pictures']) {
    await asking.run(`DELETE FROM ${table} WHERE job = ANY($1)`, jobs)
  }
  await asking.run('DELETE FROM keys WHERE job IN (SELECT id FROM jobs WHERE seq = ANY($1))', jobs)
  await asking.run('DELETE FROM jobs WHERE seq = ANY($1)', jobs)
}
