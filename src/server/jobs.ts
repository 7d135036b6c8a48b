import { hostname } from 'node:os'
import type { JobOffer } from '../api/jobs/offer.ts'
import { checkWebhook } from '../api/jobs/post-webhook.ts'
import { LOCAL_TENANT } from '../api/jobs/tenant.ts'
import { BoxletError, toBoxletError } from '../errors.ts'
import type { BlobStore } from '../jobs/blob-store.ts'
import type { JobHome } from '../jobs/home.ts'
import type { PictureOutcome } from '../jobs/job.ts'
import type { JobService } from '../jobs/service.ts'
import { jobError } from '../jobs/work.ts'
import { type JobDetectors, type JobWorker, startJobWorker, webhookRules } from './job-worker.ts'
import { readSource, type SourceOptions } from './read-source.ts'
import type { JobSettings, UrlMode } from './service-options.ts'
import { type FolderWatch, type WatchPlace, watchFolder } from './watch-folder.ts'

export interface JobsOptions extends JobSettings {
  detectors: JobDetectors
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
  const place = home.seesFiles ? undefined : keepingPlace(home, options)
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(watches.map((watch) => watch.stop()))
    await worker.stop(graceMs)
    await home.close()
  }
  try {
    if (place !== undefined && options.watch?.some(({ beside }) => beside)) {
      throw new BoxletError(
        'USAGE',
        'Expected no --beside for a store of several machines but received it.',
        {
          hint: 'Others do the work, and they do not see the folder. Ask with "boxlet jobs".',
        },
      )
    }
    for (const settings of options.watch ?? []) {
      watches.push(await watchFolder(settings, LOCAL_TENANT, worker.service, onNotice, place))
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
    offer: jobOffer(home, worker.service, urls, options),
  }
}

/** Those who work elsewhere do not see the folder, so that its pictures are kept in the store. */
const keepingPlace = (home: JobHome, options: JobsOptions): WatchPlace => ({
  name: `//${hostname()}`,
  sourceOf: async (path) => {
    try {
      const file = { kind: 'file', path, noLinks: true } as const
      const bytes = await readSource(file, { ...options, blobs: home.blobs }, new AbortController().signal)
      return { kind: 'blob', ref: await home.blobs.keep(bytes), owned: true }
    } catch (error) {
      const known = toBoxletError(error)
      if (known.code === 'IMAGE_TOO_LARGE' || known.code === 'IMAGE_NOT_FOUND') {
        return { kind: 'none', error: jobError(known) }
      }
      throw known
    }
  },
})

/** What the HTTP application needs of a store, whether or not this process works on it. */
export const jobOffer = (
  home: JobHome,
  service: JobService,
  urls: UrlMode,
  reading?: Omit<SourceOptions, 'blobs'>,
): JobOffer => ({
  service,
  bus: home.bus,
  keep: (bytes) => home.blobs.keep(bytes),
  ...(reading && {
    picture: (source, signal) => readSource(source, { ...reading, blobs: home.blobs }, signal),
  }),
  kept: (ref) => home.blobs.get(ref),
  checkWebhook: (url) => void checkWebhook(url, webhookRules(urls)),
})
