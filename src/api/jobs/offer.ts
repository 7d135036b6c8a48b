import type { BlobRef } from '../../jobs/blob-store.ts'
import type { EventBus } from '../../jobs/event-bus.ts'
import type { PictureSource } from '../../jobs/job.ts'
import type { JobService } from '../../jobs/service.ts'
import type { UploadForm } from '../../jobs/view.ts'

/** What the application needs to offer jobs. */
export interface JobOffer {
  service: JobService
  bus: EventBus
  /** Keeps bytes that came with a request until their turn. */
  keep(bytes: Uint8Array): Promise<BlobRef>
  /** Keeps an object as it is now, where that needs no way through this process. */
  keepCopy?(ref: BlobRef): Promise<BlobRef>
  /** A form for a picture that is too large for a request, where pictures can be put into a bucket. */
  uploadForm?(tenant: string, name: string): UploadForm
  /**
   * Reads the picture of a job from where it came, where this process can.
   *
   * @throws BoxletError what reading and fetching throw
   */
  picture?(source: PictureSource, signal: AbortSignal): Promise<Uint8Array>
  /** Reads what was kept. */
  kept(ref: BlobRef): Promise<Uint8Array>
  /** The models that workers have are not known here, so that any name is taken. */
  anyModel?: true
  /** Whether a webhook may lead there. @throws BoxletError URL_REFUSED */
  checkWebhook(url: string): void
}
