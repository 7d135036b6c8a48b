import { type FinalState, type FoundPicture, isFinal, type Job, stateOf } from '../jobs/job.ts'
import { bucketOf, rankedScores } from '../jobs/search.ts'
import { jobOf } from '../local/job-rows.ts'
import { type Asking, type Row, text } from './database.ts'
import { useBlobs } from './postgres-pictures.ts'

/** By how much the counts of a job change. */
export type Progress = Partial<Record<FinalState, number>>

/**
 * Adds to the counts of a job and derives its state. The row of the job is held from here to the end of the
 * transaction, so this comes last.
 *
 * @returns the job where it has ended by this
 */
export async function refresh(
  asking: Asking,
  seq: number,
  counts: Progress,
  now: number,
): Promise<Job | undefined> {
  const row = await asking.get(
    `UPDATE jobs SET succeeded = succeeded + $2, failed = failed + $3, cancelled = cancelled + $4
     WHERE seq = $1 RETURNING *`,
    seq,
    counts.succeeded ?? 0,
    counts.failed ?? 0,
    counts.cancelled ?? 0,
  )
  if (row === undefined) {
    return undefined
  }
  const job = jobOf(row)
  const state = stateOf(job.counts, job.complete)
  if (isFinal(state)) {
    await asking.run(
      'UPDATE jobs SET state = $2, finished = $3, announced = false WHERE seq = $1',
      seq,
      state,
      now,
    )
    return { ...job, state, finishedAt: now }
  }
  const begun = state === 'running' || job.startedAt !== undefined ? 'running' : 'queued'
  if (begun !== job.state || job.finishedAt !== undefined) {
    await asking.run(
      'UPDATE jobs SET state = $2, finished = NULL, announced = false WHERE seq = $1',
      seq,
      begun,
    )
  }
  return undefined
}

/** Keeps a result and makes it to be found, unless a newer version of the picture has arrived meanwhile. */
export async function saveFound(
  asking: Asking,
  picture: Row,
  found: FoundPicture,
  now: number,
): Promise<void> {
  const seq = Number(picture.seq)
  const job = Number(picture.job)
  await useBlobs(
    asking,
    [found.annotated, found.kept].flatMap((blob) => (blob === undefined ? [] : [{ key: blob.key, job }])),
  )
  const detections = found.image.detections.map(({ label, score }) => ({ label: text(label), score }))
  const ranked = rankedScores(detections.map(({ label, score }) => ({ label: label.toLowerCase(), score })))
  if (ranked.length > 0) {
    await asking.run(
      `INSERT INTO finds (tenant, label, rank, bucket, at, picture, score)
       SELECT $1, label, rank, bucket, $6::bigint, $7::bigint, score
       FROM unnest($2::text[], $3::int[], $4::int[], $5::float8[]) AS new (label, rank, bucket, score)
       WHERE NOT EXISTS (SELECT 1 FROM arrivals WHERE tenant = $1 AND identity = $8 AND picture <> $7)`,
      String(picture.tenant),
      ranked.map(({ label }) => label),
      ranked.map(({ rank }) => rank),
      ranked.map(({ score }) => bucketOf(score)),
      ranked.map(({ score }) => score),
      now,
      seq,
      picture.identity ?? null,
    )
    const counts = new Map<string, number>()
    for (const { label } of detections) {
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    // In one order, so that two workers of one job never wait for each other.
    await asking.run(
      `INSERT INTO totals (job, label, pictures, objects)
       SELECT $1, label, 1, objects FROM unnest($2::text[], $3::bigint[]) AS new (label, objects) ORDER BY label
       ON CONFLICT (job, label) DO UPDATE
         SET pictures = totals.pictures + 1, objects = totals.objects + excluded.objects`,
      job,
      [...counts.keys()],
      [...counts.values()],
    )
  }
}
