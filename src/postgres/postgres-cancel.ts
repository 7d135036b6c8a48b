import type { FinalState, Job } from '../jobs/job.ts'
import { jobOf } from '../local/job-rows.ts'
import type { Asking } from './database.ts'
import { jobRow } from './postgres-lists.ts'
import { type Progress, refresh } from './postgres-progress.ts'

/** Inside a transaction. @returns undefined where there is no such job, or one that has ended already */
export async function cancelJob(
  asking: Asking,
  tenant: string,
  id: string,
  now: number,
): Promise<Job | undefined> {
  const job = await jobRow(asking, tenant, id, 'FOR UPDATE')
  if (job === undefined || job.finished !== null) {
    return undefined
  }
  const changes = await asking.run(
    `UPDATE pictures SET state = 'cancelled', finished = $2, sent = true
     WHERE job = $1 AND state IN ('queued', 'running')`,
    Number(job.seq),
    now,
  )
  const row = await asking.get(
    "UPDATE jobs SET state = 'cancelled', cancelled = cancelled + $2, finished = $3 WHERE seq = $1 RETURNING *",
    Number(job.seq),
    changes,
    now,
  )
  return jobOf(row!)
}

/** Inside a transaction. @returns how many pictures are queued again */
export async function retryJob(
  asking: Asking,
  tenant: string,
  id: string,
  states: readonly FinalState[],
  now: number,
): Promise<number> {
  const job = await jobRow(asking, tenant, id, 'FOR UPDATE')
  if (job === undefined) {
    return 0
  }
  const of = states.filter((state) => state !== 'succeeded')
  const counts: Progress = {}
  let again = 0
  for (const state of of) {
    const changes = await asking.run(
      `UPDATE pictures SET state = 'queued', sent = false, finished = NULL, error = NULL
       WHERE job = $1 AND state = $2 AND NOT starts_with(source, '{"kind":"none"')`,
      Number(job.seq),
      state,
    )
    counts[state] = -changes
    again += changes
  }
  if (again > 0 || (of.includes('cancelled') && job.state === 'cancelled' && job.manifest !== null)) {
    await refresh(asking, Number(job.seq), counts, now)
  }
  return again
}
