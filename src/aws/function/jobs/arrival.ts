import { LOCAL_TENANT } from '../../../api/jobs/tenant.ts'
import { JOB_DEFAULTS } from '../../../jobs/defaults.ts'
import type { NewJob } from '../../../jobs/job-store.ts'
import type { Task } from '../sources/source.ts'

/** Below it lie pictures that a caller uploads with a form: its name, coded, comes next. */
export const UPLOADS = 'incoming/uploads/'

/** The job of a picture that arrived: one version of one key makes one job. */
export function arrivalJob({ ref, sequencer }: Task, besides: boolean): NewJob {
  return {
    tenant: ownerOf(ref.key),
    options: besides ? { besides: 'picture' } : {},
    pictures: [
      {
        name: `s3://${ref.bucket}/${ref.key}`,
        source: { kind: 'blob', ref },
        ...(sequencer !== undefined && { arrival: { identity: `${ref.bucket}/${ref.key}`, sequencer } }),
      },
    ],
    ttlMs: JOB_DEFAULTS.ttlMs,
  }
}

/** What all may name in the bucket of a stack: what arrived is its owner's, and the rest is nobody's picture. */
export const mayRead = (key: string, tenant: string): boolean =>
  key.startsWith('pictures/') || (key.startsWith('incoming/') && ownerOf(key) === tenant)

/** Whoever may put objects into the bucket may do so for anybody; a form that was given out names its owner. */
function ownerOf(key: string): string {
  const [owner] = key.startsWith(UPLOADS) ? key.slice(UPLOADS.length).split('/') : []
  try {
    return owner === undefined || owner === '' ? LOCAL_TENANT : decodeURIComponent(owner)
  } catch {
    return LOCAL_TENANT
  }
}
