import { createHash } from 'node:crypto'
import type { Job } from '../../jobs/job.ts'

/** Changes with the state and the counts. */
export const etagOf = ({ state, counts, complete }: Job): string =>
  `"${createHash('sha256')
    .update(JSON.stringify([state, counts, complete]))
    .digest('hex')
    .slice(0, 20)}"`
