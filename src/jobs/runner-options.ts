import type { BlobGetOptions, BlobRef } from './blob-store.ts'
import type { EventBus } from './event-bus.ts'
import type { Job, PictureOutcome } from './job.ts'
import type { JobStore, StartedPicture } from './job-store.ts'
import type { Queue } from './queue.ts'
import type { PostWebhook } from './webhook.ts'
import type { Workplace } from './work.ts'

export interface RunnerOptions {
  store: JobStore
  pictures: Queue
  webhooks: Queue
  bus: EventBus
  workplace: Workplace
  /** Reads the objects that manifests lie in. */
  getManifest(ref: BlobRef, options: BlobGetOptions): Promise<Uint8Array>
  post: PostWebhook
  webhookSecret?: string
  /** Pictures that are detected at once. As many again are read meanwhile. */
  concurrency: number
  /** Called with each picture that is done, before others learn of it. */
  onPicture?(started: StartedPicture, outcome: PictureOutcome): Promise<void>
  /** Called with each job that has ended, before anyone is told; it may come twice. */
  onEnded?(job: Job): Promise<void>
  onNotice?(line: string): void
  leaseMs?: number
  pictureMs?: number
  /** Between two looks into an empty queue. */
  idleMs?: number
  now?: () => number
}
