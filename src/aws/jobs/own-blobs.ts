import { createHash } from 'node:crypto'
import type { BlobGetOptions, BlobRef } from '../../jobs/blob-store.ts'
import { OWN_BUCKET, type OwnBlobs } from '../../jobs/home.ts'
import type { S3BlobStore } from '../clients/s3-blob-store.ts'

/** Below it lies what belongs to jobs; nothing there is taken for a picture that arrived. */
export const JOBS_PREFIX = 'jobs/'
/** A little longer than a job is kept unless it asks for more; its result in the table stays as long as it asks. */
export const JOB_BLOB_DAYS = 35
/** Name of the rule of the bucket that removes them. */
export const BLOB_RULE = 'blobs-of-jobs'

/** Bytes of jobs in the bucket of a stack, under their SHA-256. A rule of the bucket removes them in time. */
export class S3OwnBlobs implements OwnBlobs {
  readonly #store: S3BlobStore
  readonly #bucket: string

  constructor(store: S3BlobStore, bucket: string) {
    this.#store = store
    this.#bucket = bucket
  }

  async keep(bytes: Uint8Array): Promise<BlobRef> {
    const sha = createHash('sha256').update(bytes).digest('hex')
    const ref = { bucket: OWN_BUCKET, key: `${sha.slice(0, 2)}/${sha}` }
    // Written again where it is there: a rule that counts days begins anew, and asking first costs as much as a miss.
    await this.#store.put(this.#inBucket(ref), bytes)
    return ref
  }

  /** The bytes of another object, as they are now, without a way through this process. */
  async keepCopy(from: BlobRef): Promise<BlobRef> {
    const name = createHash('sha256').update(`${from.bucket}\n${from.key}\n${Date.now()}`).digest('hex')
    const ref = { bucket: OWN_BUCKET, key: `copies/${name}` }
    await this.#store.copy(from, this.#inBucket(ref))
    return ref
  }

  get(ref: BlobRef, options?: BlobGetOptions): Promise<Uint8Array> {
    return this.#store.get(this.#inBucket(ref), options)
  }

  /** The bucket's own rule does it. */
  async sweep(): Promise<number> {
    return 0
  }

  #inBucket({ key }: BlobRef): BlobRef {
    return { bucket: this.#bucket, key: `${JOBS_PREFIX}${key}` }
  }
}
