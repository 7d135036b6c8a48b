import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import { jobId } from '../jobs/id.ts'
import type { Accepted, NewJob } from '../jobs/job-store.ts'
import { jobOf } from '../local/job-rows.ts'
import type { Asking, Row } from './database.ts'
import { addPictures, useBlobs } from './postgres-pictures.ts'
import { refresh } from './postgres-progress.ts'

interface Candidate {
  job: NewJob
  id: string
  /** Where its answer goes. */
  index: number
}

/**
 * Makes jobs, inside a transaction, unless their keys or the versions of their pictures are known. Several servers may
 * do so at once: the row of a key, or of a version, is made by one of them, and the others wait for it.
 */
export async function acceptJobs(asking: Asking, jobs: readonly NewJob[], now: number): Promise<Accepted[]> {
  const answers: Accepted[] = []
  for (const part of apart(jobs.map((job, index) => ({ job, id: jobId(now), index })))) {
    await acceptPart(asking, part, now, answers)
  }
  return answers
}

/** Parts in which no key and no picture comes twice, so that each can be asked for as a whole. */
function apart(candidates: readonly Candidate[]): Candidate[][] {
  const parts: Candidate[][] = []
  let seen = new Set<string>()
  for (const candidate of candidates) {
    const { tenant, key, pictures } = candidate.job
    const names = [
      ...(key === undefined ? [] : [`k ${tenant} ${key.key}`]),
      ...pictures.flatMap(({ arrival }) =>
        arrival === undefined ? [] : [`a ${tenant} ${arrival.identity}`],
      ),
    ]
    if (parts.length === 0 || names.some((name) => seen.has(name))) {
      parts.push([])
      seen = new Set()
    }
    for (const name of names) {
      seen.add(name)
    }
    parts.at(-1)!.push(candidate)
  }
  return parts
}

async function acceptPart(
  asking: Asking,
  candidates: readonly Candidate[],
  now: number,
  answers: Accepted[],
): Promise<void> {
  const unknown = await claimKeys(asking, candidates, now, answers)
  const made: Candidate[] = []
  for (const candidate of unknown) {
    const arrived = await knownArrival(asking, candidate.job)
    if (arrived === undefined) {
      made.push(candidate)
    } else {
      answers[candidate.index] = arrived
      await asking.run('DELETE FROM keys WHERE job = $1', candidate.id)
    }
  }
  if (made.length === 0) {
    return
  }
  const rows = await insertJobs(asking, made, now)
  const failed = await addPictures(
    asking,
    made.map(({ job, id }) => ({ seq: rows.get(id)!, tenant: job.tenant, first: 0, pictures: job.pictures })),
    now,
  )
  await useBlobs(
    asking,
    made.flatMap(({ job, id }) =>
      job.manifest === undefined ? [] : [{ key: job.manifest.key, job: rows.get(id)! }],
    ),
  )
  for (const { job, id } of made) {
    const count = failed.get(rows.get(id)!) ?? 0
    if (count > 0 || (job.pictures.length === 0 && job.manifest === undefined)) {
      await refresh(asking, rows.get(id)!, { failed: count }, now)
    }
  }
  const all = await asking.all(
    'SELECT * FROM jobs WHERE id = ANY($1)',
    made.map(({ id }) => id),
  )
  const byId = new Map(all.map((row) => [String(row.id), row]))
  for (const { id, index } of made) {
    answers[index] = { outcome: 'created', job: jobOf(byId.get(id)!) }
  }
}

/** In one order, so that two servers never wait for each other. @returns those whose keys were not known */
async function claimKeys(
  asking: Asking,
  candidates: readonly Candidate[],
  now: number,
  answers: Accepted[],
): Promise<Candidate[]> {
  const keyed = candidates.filter(({ job }) => job.key !== undefined)
  if (keyed.length === 0) {
    return [...candidates]
  }
  const claimed = await asking.all(
    `INSERT INTO keys (tenant, key, fingerprint, job, expires)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (tenant, key, fingerprint, job),
       (VALUES ($5::bigint)) AS until (expires) ORDER BY tenant, key
     ON CONFLICT (tenant, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, job = excluded.job, expires = excluded.expires
       WHERE keys.expires <= $6
     RETURNING job`,
    keyed.map(({ job }) => job.tenant),
    keyed.map(({ job }) => job.key!.key),
    keyed.map(({ job }) => job.key!.fingerprint),
    keyed.map(({ id }) => id),
    now + JOB_DEFAULTS.keyMs,
    now,
  )
  const ids = new Set(claimed.map(({ job }) => String(job)))
  const unknown = candidates.filter(({ job, id }) => job.key === undefined || ids.has(id))
  for (const { job, id, index } of keyed) {
    if (!ids.has(id)) {
      const row = await asking.get(
        'SELECT jobs.*, keys.fingerprint FROM keys JOIN jobs ON jobs.id = keys.job WHERE keys.tenant = $1 AND key = $2',
        job.tenant,
        job.key!.key,
      )
      answers[index] =
        row?.fingerprint === job.key!.fingerprint
          ? { outcome: 'same', job: jobOf(row as Row) }
          : { outcome: 'conflict' }
    }
  }
  return unknown
}

/** Takes the place of a version, so that a second server waits here until this one is done. */
async function knownArrival(asking: Asking, { tenant, pictures }: NewJob): Promise<Accepted | undefined> {
  const arrival = pictures.length === 1 ? pictures[0]!.arrival : undefined
  if (arrival === undefined) {
    return undefined
  }
  await asking.run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `${tenant} ${arrival.identity}`)
  const row = await asking.get(
    `SELECT picture, sequencer FROM arrivals WHERE tenant = $1 AND identity = $2
     AND rpad(lower(sequencer), 128, '0') COLLATE "C" >= rpad(lower($3), 128, '0') COLLATE "C"`,
    tenant,
    arrival.identity,
    arrival.sequencer,
  )
  if (row === undefined) {
    return undefined
  }
  const job = await asking.get(
    `SELECT jobs.* FROM jobs JOIN pictures ON pictures.job = jobs.seq
     WHERE pictures.seq = $1 AND rpad(lower($2), 128, '0') = rpad(lower($3), 128, '0')`,
    Number(row.picture),
    String(row.sequencer),
    arrival.sequencer,
  )
  return job === undefined
    ? { outcome: 'outdated', sequencer: String(row.sequencer) }
    : { outcome: 'same', job: jobOf(job) }
}

async function insertJobs(
  asking: Asking,
  made: readonly Candidate[],
  now: number,
): Promise<Map<string, number>> {
  const rows = await asking.all(
    `INSERT INTO jobs (id, tenant, state, batch, options, total, created, expires, manifest)
     SELECT id, tenant, 'queued', batch, options, total, $7::bigint, $7::bigint + ttl, manifest
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $8::bigint[])
       AS new (id, tenant, batch, options, total, manifest, ttl)
     RETURNING id, seq`,
    made.map(({ id }) => id),
    made.map(({ job }) => job.tenant),
    made.map(({ job }) => job.batch ?? null),
    made.map(({ job }) => JSON.stringify(job.options)),
    made.map(({ job }) => job.pictures.length),
    made.map(({ job: { manifest } }) =>
      manifest === undefined ? null : JSON.stringify({ source: manifest, offset: 0, lines: 0 }),
    ),
    now,
    made.map(({ job }) => job.ttlMs),
  )
  return new Map(rows.map(({ id, seq }) => [String(id), Number(seq)]))
}
