import { gunzipSync, gzipSync } from 'node:zlib'
import type { BlobRef } from '../../jobs/blob-store.ts'
import { type FoundPicture, isFinal, type JobPicture, type JobState } from '../../jobs/job.ts'
import { defined } from '../../system/defined.ts'
import type { Item, ItemValue } from './item.ts'
import { optionalNumber } from './job-items.ts'

/** Where results lie that are too large for an item, such as those with many masks. */
export interface LargeResults {
  keep(bytes: Uint8Array): Promise<BlobRef>
  get(ref: BlobRef): Promise<Uint8Array>
}

/** DynamoDB takes items of 400 KB, with all that they hold besides. */
const MOST_FOUND_BYTES = 350 * 1024

/** Pictures and their results, as items hold them. */
export class PictureItems {
  readonly #large: LargeResults

  constructor(large: LargeResults) {
    this.#large = large
  }

  /** Attribute and value of a result. */
  async pack(found: FoundPicture): Promise<[attribute: 'foundBytes' | 'foundAt', value: ItemValue]> {
    const bytes = gzipSync(JSON.stringify(found))
    return bytes.length <= MOST_FOUND_BYTES
      ? ['foundBytes', bytes]
      : ['foundAt', JSON.stringify(await this.#large.keep(bytes))]
  }

  /** @param cancelled whether its job was, and with it what had not ended */
  async read(item: Item, cancelled: boolean): Promise<JobPicture> {
    const stored = item.pictureState as JobState
    const bytes = await this.#bytes(item)
    return {
      n: Number(item.n),
      name: String(item.pictureName),
      ...defined({ line: optionalNumber(item.pictureLine) }),
      source: JSON.parse(String(item.pictureSource)) as JobPicture['source'],
      state: cancelled && !isFinal(stored) ? 'cancelled' : stored,
      attempts: Number(item.attempts),
      ...defined({ finishedAt: optionalNumber(item.finishedAt) }),
      ...(item.lastError !== undefined && {
        error: JSON.parse(String(item.lastError)) as NonNullable<JobPicture['error']>,
      }),
      ...(bytes !== undefined && {
        found: JSON.parse(gunzipSync(bytes).toString()) as NonNullable<JobPicture['found']>,
      }),
    }
  }

  async #bytes({ foundBytes, foundAt }: Item): Promise<Uint8Array | undefined> {
    if (foundBytes instanceof Uint8Array) {
      return foundBytes
    }
    return foundAt === undefined ? undefined : this.#large.get(JSON.parse(String(foundAt)) as BlobRef)
  }
}
