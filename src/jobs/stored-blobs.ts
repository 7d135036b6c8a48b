import { createHash } from 'node:crypto'
import type { BlobGetOptions, BlobRef, BlobStore } from './blob-store.ts'
import { OWN_BUCKET, type OwnBlobs } from './home.ts'

/** Blobs younger than this may belong to a job that is just being accepted. */
export const YOUNG_MS = 3_600_000

/** The key of bytes in a store's own bucket. */
export function keyOfBytes(bytes: Uint8Array): string {
  const sha = createHash('sha256').update(bytes).digest('hex')
  return `${sha.slice(0, 2)}/${sha}`
}

/** Bytes of a store under their SHA-256, below a prefix of any object store. */
export class StoredBlobs implements OwnBlobs {
  readonly #store: BlobStore
  readonly #bucket: string
  readonly #prefix: string

  constructor(store: BlobStore, { bucket, prefix }: { bucket: string; prefix: string }) {
    this.#store = store
    this.#bucket = bucket
    this.#prefix = prefix
  }

  /** Written again although it may be there: asking costs as much, and what is needed again is young again. */
  async keep(bytes: Uint8Array): Promise<BlobRef> {
    const ref = { bucket: OWN_BUCKET, key: keyOfBytes(bytes) }
    await this.#store.put(this.#at(ref), bytes)
    return ref
  }

  get(ref: BlobRef, options?: BlobGetOptions): Promise<Uint8Array> {
    return this.#store.get(this.#at(ref), options)
  }

  async sweep(isUsed: (key: string) => Promise<boolean>, now: number): Promise<number> {
    let removed = 0
    for await (const { key, at } of this.#store.list?.(this.#bucket, this.#prefix) ?? []) {
      const own = key.slice(this.#prefix.length)
      const isOurs = /^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(own)
      if (isOurs && at !== undefined && now - at > YOUNG_MS && !(await isUsed(own))) {
        await this.#store.remove?.({ bucket: this.#bucket, key })
        removed++
      }
    }
    return removed
  }

  /** References name no place, so that a store may be moved. */
  #at({ key }: BlobRef): BlobRef {
    return { bucket: this.#bucket, key: this.#prefix + key }
  }
}
