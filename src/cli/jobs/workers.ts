import { DEFAULT_LIMITS } from '../../api/options.ts'
import type { PictureOutcome } from '../../jobs/job.ts'
import { FileBlobStore } from '../../local/file-blob-store.ts'
import { WorkerPool } from '../../pool/worker-pool.ts'
import { processorShare } from '../../runtime/processors.ts'
import { type RunningJobs, startJobs } from '../../server/jobs.ts'
import type { JobSettings } from '../../server/service-options.ts'
import { MODEL_OPTIONS } from '../kit/model-options.ts'
import { inGroup, type Options, type Settings } from '../kit/option-spec.ts'
import { SERVED_MODELS_OPTION, servedModels, WORKERS_OPTION } from '../kit/served-models.ts'
import type { Io } from '../kit/verb.ts'
import { WORK_OPTIONS } from './work-options.ts'

/** Options of every verb that detects for jobs. */
export const WORKER_OPTIONS = {
  ...inGroup('Models', MODEL_OPTIONS),
  model: SERVED_MODELS_OPTION,
  workers: WORKERS_OPTION,
  blobs: {
    type: 'string',
    says: 'folder whose folders are buckets, for pictures named as S3 objects',
    group: 'Jobs',
    value: 'DIR',
    completes: 'folder',
  },
  ...WORK_OPTIONS,
} as const satisfies Options

export interface Workers {
  jobs: RunningJobs
  /** Takes no more pictures, finishes those under way, and ends. */
  stop(): Promise<void>
}

/** Pictures under way when the user stops it are finished; a single one takes seconds at most. */
const GRACE_MS = 25_000

/** Starts detectors and works on the jobs of a store. */
export async function startWorkers(
  values: Settings<typeof WORKER_OPTIONS>,
  settings: JobSettings,
  io: Io,
  onPicture: (outcome: PictureOutcome) => void = () => {},
): Promise<Workers> {
  const threads = values.threads ?? 1
  const workers = values.workers ?? Math.max(1, Math.round(processorShare(io.env) / threads))
  const onNotice = (line: string): void => void io.stderr.write(`boxlet: ${line}\n`)
  const pool = await WorkerPool.start({
    models: await servedModels(values),
    workers,
    threads,
    queue: workers + 1,
    tasksPerWorker: 1,
    onNotice,
  })
  try {
    const jobs = await startJobs({
      ...settings,
      detectors: pool,
      concurrency: workers + 1,
      blobStore: values.blobs === undefined ? undefined : new FileBlobStore(values.blobs),
      // Of whoever submits to the store, which may be callers of a service.
      urls: values.urls,
      maxBytes: DEFAULT_LIMITS.pictureBytes,
      fetchMs: DEFAULT_LIMITS.fetchMs,
      onPicture,
      onNotice,
    })
    return {
      jobs,
      stop: async () => {
        await jobs.stop(GRACE_MS)
        await pool.close()
      },
    }
  } catch (error) {
    await pool.close()
    throw error
  }
}
