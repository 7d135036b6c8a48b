import type { JobOffer } from '../api/jobs/offer.ts'
import { LOCAL_TENANT } from '../api/jobs/tenant.ts'
import type { DetectorLike } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { checkUrl } from '../image/fetch/guarded-address.ts'
import type { BlobStore } from '../jobs/blob-store.ts'
import type { JobHome } from '../jobs/home.ts'
import type { PictureOutcome } from '../jobs/job.ts'
import type { JobService } from '../jobs/service.ts'
import { type JobWorker, startJobWorker } from './job-worker.ts'
import type { JobSettings, UrlMode } from './service-options.ts'
import { type FolderWatch, watchFolder } from './watch-folder.ts'

export interface JobsOptions extends JobSettings {
  detectors: { readonly defaultName: string; get(name: string): Promise<DetectorLike> }
  concurrency: number
  blobStore: BlobStore | undefined
  urls: UrlMode
  maxBytes: number
  fetchMs: number
  onPicture?(outcome: PictureOutcome): void
  onNotice(line: string): void
}

/** Jobs of one process: the store, a worker on it, and the folders that it watches. */
export interface RunningJobs {
  readonly home: JobHome
  readonly worker: JobWorker
  readonly watches: readonly FolderWatch[]
  readonly offer: JobOffer
  stop(graceMs: number): Promise<void>
}

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE; USAGE for a folder that cannot be watched */
export async function startJobs(options: JobsOptions): Promise<RunningJobs> {
  const { onNotice, urls } = options
  const home = await options.open()
  const worker = startJobWorker({ ...options, home })
  const watches: FolderWatch[] = []
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(watches.map((watch) => watch.stop()))
    await worker.stop(graceMs)
    await home.close()
  }
  try {
    for (const settings of options.watch ?? []) {
      watches.push(await watchFolder(settings, LOCAL_TENANT, worker.service, onNotice))
    }
  } catch (error) {
    await stop(0)
    throw error
  }
  return {
    home,
    worker,
    watches,
    stop,
    offer: jobOffer(home, worker.service, urls),
  }
}

/** What the HTTP application needs of a store, whether or not this process works on it. */
export const jobOffer = (home: JobHome, service: JobService, urls: UrlMode): JobOffer => ({
  service,
  bus: home.bus,
  keep: (bytes) => home.blobs.keep(bytes),
  kept: (ref) => home.blobs.get(ref),
  checkWebhook: (url) => {
    if (urls === 'off') {
      throw new BoxletError('URL_REFUSED', 'Expected no webhook, since this service calls no addresses.')
    }
    checkUrl(url, { allowHttp: urls === 'any', allowPrivate: urls === 'any' })
  },
})
