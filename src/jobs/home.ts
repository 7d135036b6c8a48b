import type { BlobGetOptions, BlobRef } from './blob-store.ts'
import type { EventBus } from './event-bus.ts'
import type { JobStore } from './job-store.ts'
import type { Queue } from './queue.ts'
import type { Transfer } from './transfer.ts'

/** The bucket of a store's own blobs. Callers cannot name it: what others sent lies there. */
export const OWN_BUCKET = 'boxlet-jobs'

/** Bytes of a store under their SHA-256: the same picture, sent twice, lies there once. */
export interface OwnBlobs {
  /** Kept against a loss of power when it returns. */
  keep(bytes: Uint8Array): Promise<BlobRef>
  get(ref: BlobRef, options?: BlobGetOptions): Promise<Uint8Array>
  /** Path of its file, where blobs are files of this machine. */
  pathOf?(ref: BlobRef): string
  /** Removes blobs that no job uses any more, unless they are so young that a job may just be accepted. @returns how many */
  sweep(isUsed: (key: string) => Promise<boolean>, now: number): Promise<number>
}

/** All ports of one place where jobs live, and what its callers have to know of the place. */
export interface JobHome {
  /** As messages call it: a folder, or an address without its password. */
  readonly name: string
  readonly store: JobStore
  readonly pictures: Queue
  readonly webhooks: Queue
  readonly bus: EventBus
  readonly blobs: OwnBlobs
  readonly transfer: Transfer
  /** All who work on its jobs see the files of this machine, so that a path may stand for a picture. */
  readonly seesFiles: boolean
  /** Between two looks into an empty queue, where a look costs more than a file's. Milliseconds. */
  readonly idleMs?: number
  close(): Promise<void>
}

/** Jobs deleted in one transaction. */
const PRUNE_AT_ONCE = 50

/**
 * Deletes jobs whose time is over, and then the blobs that no job uses any more.
 *
 * @param pause lets others get a word in between two transactions
 */
export async function pruneHome(
  { store, blobs }: JobHome,
  pause: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve)),
): Promise<{ jobs: number; blobs: number }> {
  let jobs = 0
  for (;;) {
    const count = await store.prune(PRUNE_AT_ONCE)
    if (count === 0) {
      break
    }
    jobs += count
    await pause()
  }
  return { jobs, blobs: await blobs.sweep((key) => store.usesBlob(key), Date.now()) }
}
