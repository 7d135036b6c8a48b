import type { Job, PictureOutcome, PictureRef } from '../../src/jobs/job.ts'
import type { JobStore } from '../../src/jobs/job-store.ts'

/** One picture has its outcome. @returns its job where that has ended by it */
export async function finishOne(
  store: JobStore,
  ref: PictureRef,
  outcome: PictureOutcome,
  receives = 1,
): Promise<Job | undefined> {
  const [ended] = await store.finish([{ ref, outcome, receives }])
  return ended
}
