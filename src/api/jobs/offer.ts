import type { BlobRef } from '../../jobs/blob-store.ts'
import type { EventBus } from '../../jobs/event-bus.ts'
import type { JobService } from '../../jobs/service.ts'

/** What the application needs to offer jobs. */
export interface JobOffer {
  service: JobService
  bus: EventBus
  /** Keeps bytes that came with a request until their turn. */
  keep(bytes: Uint8Array): Promise<BlobRef>
  /** Reads what was kept. */
  kept(ref: BlobRef): Promise<Uint8Array>
  /** The models that workers have are not known here, so that any name is taken. */
  anyModel?: true
  /** Whether a webhook may lead there. @throws BoxletError URL_REFUSED */
  checkWebhook(url: string): void
}
