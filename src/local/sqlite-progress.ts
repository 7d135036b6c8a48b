import { type FinalState, type FoundPicture, isFinal, stateOf } from '../jobs/job.ts'
import { bucketOf, rankedScores } from '../jobs/search.ts'
import { jobOf } from './job-rows.ts'
import type { Row } from './sqlite.ts'
import { useBlob } from './sqlite-pictures.ts'
import type { StoreFile } from './store-file.ts'

/** By how much the counts of a job change. */
export type Progress = Partial<Record<FinalState, number>>

/**
 * Adds to the counts of a job and derives its state.
 *
 * @returns its row where it has ended by this
 */
export function refresh(file: StoreFile, seq: number, counts: Progress, now: number): Row | undefined {
  file.run(
    'UPDATE jobs SET succeeded = succeeded + ?, failed = failed + ?, cancelled = cancelled + ? WHERE seq = ?',
    counts.succeeded ?? 0,
    counts.failed ?? 0,
    counts.cancelled ?? 0,
    seq,
  )
  const row = file.get('SELECT * FROM jobs WHERE seq = ?', seq)!
  const job = jobOf(row)
  const state = stateOf(job.counts, job.complete)
  if (isFinal(state)) {
    file.run('UPDATE jobs SET state = ?, finished = ?, announced = 0 WHERE seq = ?', state, now, seq)
    return { ...row, state, finished: now }
  }
  const begun = state === 'running' || job.startedAt !== undefined ? 'running' : 'queued'
  if (begun !== job.state || row.finished !== null) {
    file.run('UPDATE jobs SET state = ?, finished = NULL, announced = 0 WHERE seq = ?', begun, seq)
  }
  return undefined
}

/** Keeps a result and makes it to be found, unless a newer version of the picture has arrived meanwhile. */
export function saveFound(file: StoreFile, picture: Row, found: FoundPicture, now: number): void {
  const seq = picture.seq as number
  const job = picture.job as number
  file.run(
    `UPDATE pictures SET state = 'succeeded', finished = ?, found = ?, error = NULL, sent = 1,
     verdict = ?, uncertain = ? WHERE seq = ?`,
    now,
    JSON.stringify(found),
    found.verdict?.verdict ?? null,
    found.uncertain ? 1 : null,
    seq,
  )
  for (const blob of [found.annotated, found.kept]) {
    if (blob !== undefined) {
      useBlob(file, blob.key, job)
    }
  }
  const { detections } = found.image
  const counts = new Map<string, number>()
  for (const { label } of detections) {
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  for (const [label, objects] of counts) {
    file.run(
      `INSERT INTO totals (job, label, pictures, objects) VALUES (?, ?, 1, ?)
       ON CONFLICT (job, label) DO UPDATE SET pictures = pictures + 1, objects = objects + excluded.objects`,
      job,
      label,
      objects,
    )
  }
  if (isOutdated(file, picture)) {
    return
  }
  const lower = detections.map(({ label, score }) => ({ label: label.toLowerCase(), score }))
  for (const { label, rank, score } of rankedScores(lower)) {
    file.run(
      'INSERT INTO finds (tenant, label, rank, bucket, at, picture, score) VALUES (?, ?, ?, ?, ?, ?, ?)',
      picture.tenant as string,
      label,
      rank,
      bucketOf(score),
      now,
      seq,
      score,
    )
  }
}

function isOutdated(file: StoreFile, { tenant, identity, seq }: Row): boolean {
  if (typeof identity !== 'string') {
    return false
  }
  const newest = file.get(
    'SELECT picture FROM arrivals WHERE tenant = ? AND identity = ?',
    tenant as string,
    identity,
  )
  return newest !== undefined && newest.picture !== seq
}
