import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobGetOptions, BlobRef } from '../jobs/blob-store.ts'
import { OWN_BUCKET, type OwnBlobs } from '../jobs/home.ts'
import { keyOfBytes, YOUNG_MS } from '../jobs/stored-blobs.ts'
import { FileBlobStore } from './file-blob-store.ts'
import { storeFault } from './store-fault.ts'

/** Bytes as files under their SHA-256, in a folder of one machine or one that several share. */
export class ContentBlobs implements OwnBlobs {
  readonly #folder: string
  readonly #files: FileBlobStore

  constructor(folder: string) {
    this.#folder = join(folder, OWN_BUCKET)
    this.#files = new FileBlobStore(folder, { durable: true })
  }

  async keep(bytes: Uint8Array): Promise<BlobRef> {
    const ref = { bucket: OWN_BUCKET, key: keyOfBytes(bytes) }
    const path = this.pathOf(ref)
    const now = new Date()
    // What is needed again is young again, so that nobody takes it for a leftover.
    const known = await stat(path).then(
      ({ size }) => size === bytes.length && utimes(path, now, now).then(() => true),
      () => false,
    )
    if (!known) {
      try {
        await this.#files.put(ref, bytes)
      } catch (error) {
        throw storeFault((error as Error).cause ?? error)
      }
    }
    return ref
  }

  pathOf({ key }: BlobRef): string {
    return join(this.#folder, key)
  }

  get(ref: BlobRef, options?: BlobGetOptions): Promise<Uint8Array> {
    return this.#files.get(ref, options)
  }

  async sweep(isUsed: (key: string) => Promise<boolean>, now: number): Promise<number> {
    let removed = 0
    for (const shard of await readdir(this.#folder).catch(() => [])) {
      for (const name of await readdir(join(this.#folder, shard)).catch(() => [])) {
        const path = join(this.#folder, shard, name)
        const info = await stat(path).catch(() => undefined)
        if (info !== undefined && now - info.mtimeMs > YOUNG_MS && !(await isUsed(`${shard}/${name}`))) {
          await rm(path, { force: true })
          removed++
        }
      }
    }
    return removed
  }
}
