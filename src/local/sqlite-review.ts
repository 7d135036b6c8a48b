import type { Decision, JobPicture } from '../jobs/job.ts'
import { pictureOf } from './job-rows.ts'
import type { Row } from './sqlite.ts'
import type { StoreFile } from './store-file.ts'

/** Keeps what a person says beside the result. @returns the picture, undefined where it has no result */
export function reviewPicture(
  file: StoreFile,
  row: Row | undefined,
  decision: Decision | undefined,
  now: number,
): JobPicture | undefined {
  if (row === undefined || typeof row.found !== 'string') {
    return undefined
  }
  const { found, ...picture } = pictureOf(row)
  const { review: _, ...before } = found!
  const after = { ...before, ...(decision !== undefined && { review: { decision, at: now } }) }
  file.run('UPDATE pictures SET found = ? WHERE seq = ?', JSON.stringify(after), row.seq as number)
  return { ...picture, found: after }
}
