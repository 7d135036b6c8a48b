import { gunzipSync, gzipSync } from 'node:zlib'
import { toBoxletError } from '../../errors.ts'
import type { BlobRef } from '../../jobs/blob-store.ts'
import { type FoundPicture, isFinal, type JobPicture, type JobState, type Review } from '../../jobs/job.ts'
import { defined } from '../../system/defined.ts'
import type { Item, ItemValue } from './item.ts'
import { optionalNumber } from './job-items.ts'

/** Where results lie that are too large for an item, such as those with many masks. */
export interface LargeResults {
  keep(bytes: Uint8Array): Promise<BlobRef>
  get(ref: BlobRef): Promise<Uint8Array>
}

/** DynamoDB takes items of 400 KB; each KB is a write unit of the thousand a second that a partition has, twice in a transaction. */
const MOST_FOUND_BYTES = 64 * 1024

/** The attribute of a result, and its value. */
export type PackedFound = [attribute: 'foundBytes' | 'foundAt', value: ItemValue]

/**
 * What was said since the result was written has an attribute of its own, so that the result stays as it is; null takes
 * back what a moved job brought along.
 */
function reviewed(found: FoundPicture, { review: said }: Item): FoundPicture {
  if (said === undefined) {
    return found
  }
  const { review: _, ...before } = found
  const review = JSON.parse(String(said)) as Review | null
  return { ...before, ...(review !== null && { review }) }
}

/** Pictures and their results, as items hold them. */
export class PictureItems {
  readonly #large: LargeResults

  constructor(large: LargeResults) {
    this.#large = large
  }

  async pack(found: FoundPicture): Promise<PackedFound> {
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
        found: reviewed(JSON.parse(gunzipSync(bytes).toString()) as FoundPicture, item),
      }),
    }
  }

  async #bytes({ foundBytes, foundAt }: Item): Promise<Uint8Array | undefined> {
    if (foundBytes instanceof Uint8Array) {
      return foundBytes
    }
    if (foundAt === undefined) {
      return undefined
    }
    try {
      return await this.#large.get(JSON.parse(String(foundAt)) as BlobRef)
    } catch (error) {
      // A rule of the bucket may be faster than the time of the job.
      if (toBoxletError(error).code === 'IMAGE_NOT_FOUND') {
        return undefined
      }
      throw error
    }
  }
}
