import { basename } from 'node:path'
import { writeMediaResults } from '../api/dialects/rekognition/media-results.ts'
import { type WebhookRules, webhookPoster } from '../api/jobs/post-webhook.ts'
import type { DetectorLike } from '../detector/types.ts'
import type { BoxletError } from '../errors.ts'
import type { NativeImage } from '../formats/native.ts'
import { drawDetections } from '../image/draw/draw.ts'
import type { BlobStore } from '../jobs/blob-store.ts'
import { type JobHome, OWN_BUCKET, pruneHome } from '../jobs/home.ts'
import type { PictureOutcome } from '../jobs/job.ts'
import type { StartedPicture, StoredModel } from '../jobs/job-store.ts'
import type { Policy } from '../jobs/rules.ts'
import { Runner } from '../jobs/runner.ts'
import { JobService } from '../jobs/service.ts'
import { saveFile } from '../system/save-file.ts'
import { readSource } from './read-source.ts'
import type { UrlMode } from './service-options.ts'

export interface JobDetectors {
  readonly names?: readonly string[]
  readonly defaultName: string
  get(name: string): Promise<DetectorLike>
}

export interface JobWorkerOptions {
  home: JobHome
  /** With `names`, pictures of other models are left to other workers. */
  detectors: JobDetectors
  /** Pictures detected at once: as many as there are worker threads, and one that is being decoded. */
  concurrency: number
  /** Objects that callers name. */
  blobStore: BlobStore | undefined
  urls: UrlMode
  maxBytes: number
  fetchMs: number
  policy?: Policy
  uncertainBand?: readonly [number, number]
  webhookSecret?: string
  leaseMs?: number
  onPicture?(outcome: PictureOutcome, started: StartedPicture): void
  onNotice(line: string): void
}

export interface JobWorker {
  readonly service: JobService
  readonly runner: Runner
  /** Takes no more pictures and waits for those under way; after the grace they are given back. */
  stop(graceMs: number): Promise<void>
}

/** Expired jobs go within the hour. */
const PRUNE_MS = 3_600_000

/** Works on the jobs of a store in this process. */
export function startJobWorker(options: JobWorkerOptions): JobWorker {
  const { home, detectors, onNotice, onPicture } = options
  const saved = new Set<string>()
  const runner = new Runner({
    store: home.store,
    pictures: home.pictures,
    webhooks: home.webhooks,
    bus: home.bus,
    ...(home.idleMs !== undefined && { idleMs: home.idleMs }),
    workplace: {
      read: (source, signal) => readSource(source, { ...options, blobs: home.blobs }, signal),
      lacks: (model) => detectors.names?.includes(model) === false,
      detector: (model) => detectors.get(model ?? detectors.defaultName),
      draw: async (bytes, { detections }, format) =>
        (await drawDetections(bytes, detections, { format })) as Uint8Array,
      keep: (bytes) => home.blobs.keep(bytes),
      saveModel: async (key, model) => {
        if (!saved.has(key)) {
          await home.store.saveModel(key, model)
          saved.add(key)
        }
      },
      ...(options.policy !== undefined && { policy: options.policy }),
      ...(options.uncertainBand !== undefined && { uncertainBand: options.uncertainBand }),
    },
    getManifest: (ref, range) => {
      const store = ref.bucket === OWN_BUCKET ? home.blobs : (options.blobStore ?? home.blobs)
      return store.get(ref, range)
    },
    post: webhookPoster(webhookRules(options.urls)),
    ...(options.webhookSecret !== undefined && { webhookSecret: options.webhookSecret }),
    ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
    concurrency: options.concurrency,
    onPicture: async (started, outcome) => {
      onPicture?.(outcome, started)
      await saveBeside(started, outcome, (key) => home.store.model(key), onNotice)
    },
    onEnded: async (job) => {
      try {
        await writeMediaResults(job, home.store, options.blobStore)
      } catch (error) {
        // Its own description tells the caller; the jobs behind it go on.
        onNotice(`The results of job ${job.id} could not be written: ${(error as Error).message}`)
      }
    },
    onNotice,
  })
  const stop = new AbortController()
  const end = new AbortController()
  const running = runner.run(stop.signal, end.signal)
  const prune = setInterval(() => {
    pruneHome(home).catch((error: BoxletError) => onNotice(error.message))
  }, PRUNE_MS)
  prune.unref()
  return {
    service: new JobService(home.store, home.pictures, () => runner.wake(), home.webhooks),
    runner,
    stop: async (graceMs) => {
      clearInterval(prune)
      stop.abort()
      const timer = setTimeout(() => end.abort(), graceMs)
      await running
      clearTimeout(timer)
    },
  }
}

/** Webhooks follow the rules for addresses of pictures. */
export const webhookRules = (urls: UrlMode): WebhookRules =>
  urls === 'off' ? 'off' : { allowHttp: urls === 'any', allowPrivate: urls === 'any' }

/** What `boxlet detect --format json` prints, as `x.jpg.json` beside `x.jpg`. */
async function saveBeside(
  { picture, options }: StartedPicture,
  outcome: PictureOutcome,
  modelOf: (key: string) => Promise<StoredModel | undefined>,
  onNotice: (line: string) => void,
): Promise<void> {
  const { source } = picture
  if (options.besides !== 'picture' || source.kind !== 'file') {
    return
  }
  let image: NativeImage
  let model: StoredModel['model'] | undefined
  if (outcome.state === 'succeeded') {
    image = { ...outcome.found.image, source: basename(source.path), altText: outcome.found.altText }
    model = (await modelOf(outcome.found.model))?.model
  } else {
    image = { source: basename(source.path), error: outcome.error }
  }
  const text = `${JSON.stringify({ ...(model !== undefined && { model }), images: [image] }, undefined, 2)}\n`
  try {
    await saveFile(`${source.path}.json`, text)
  } catch (error) {
    // The result stands in the store whatever becomes of its copy.
    onNotice((error as BoxletError).message)
  }
}
