import { BoxletError } from '../../errors.ts'
import type { BlobPutOptions, BlobRef } from '../../jobs/blob-store.ts'
import { defined } from '../../system/defined.ts'
import { type S3BlobStore, writeFault } from './s3-blob-store.ts'
import { loadSdk, sdkFault } from './sdk.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/** Name of the metadata that holds the order of the event behind a result. */
const SEQUENCER = 'boxlet-sequencer'
/** Writers that meet at one key are as many as its versions, which come one by one. */
const MAX_TRIES = 5
/** S3 answers these where another writer was faster. */
const LOST = [409, 412]

/**
 * Writes an object unless one of a later event lies there: two versions of a picture have one result, and their
 * events come in any order. Nothing is asked first, since mostly nothing lies there.
 *
 * @param sequencer of the event, hexadecimal
 * @throws BoxletError OUTPUT_UNWRITABLE, FORBIDDEN, ABORTED
 */
export async function putInOrder(
  { client }: S3BlobStore,
  { bucket: Bucket, key: Key }: BlobRef,
  bytes: Uint8Array,
  sequencer: string,
  { contentType, signal }: BlobPutOptions,
): Promise<void> {
  const { HeadObjectCommand, PutObjectCommand } = sdk()
  const options = defined({ abortSignal: signal })
  const put = (condition: { IfMatch?: string; IfNoneMatch?: string }) =>
    client.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: bytes,
        ContentType: contentType,
        Metadata: { [SEQUENCER]: sequencer },
        ...condition,
      }),
      options,
    )
  const there = async () => {
    try {
      const { ETag, Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key }), options)
      return { etag: ETag, sequencer: Metadata?.[SEQUENCER] }
    } catch (error) {
      if (sdkFault(error).status === 404) {
        return undefined
      }
      throw error
    }
  }
  try {
    let condition: Parameters<typeof put>[0] = { IfNoneMatch: '*' }
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        await put(condition)
        return
      } catch (error) {
        if (!LOST.includes(sdkFault(error).status ?? 0)) {
          throw error
        }
      }
      const other = await there()
      if (other?.sequencer !== undefined && isLater(other.sequencer, sequencer)) {
        return
      }
      condition = other?.etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: other.etag }
    }
  } catch (error) {
    throw writeFault(error, signal)
  }
  throw new BoxletError(
    'OUTPUT_UNWRITABLE',
    `Expected to write the result in at most ${MAX_TRIES} tries but another writer was faster each time.`,
  )
}

/** Texts of different length are compared as if the shorter one went on with zeros. */
export function isLater(one: string, other: string): boolean {
  const length = Math.max(one.length, other.length)
  const [a, b] = [one, other].map((text) => text.toLowerCase().padEnd(length, '0')) as [string, string]
  return a > b
}
