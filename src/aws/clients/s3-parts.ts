/**
 * An object whose bytes come in parts and need not fit into memory together.
 *
 * source  Amazon S3 user guide, "Multipart upload limits": parts of at least 5 MiB but the last, 10,000 at most
 */
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3'
import type { BlobPutOptions, BlobRef } from '../../jobs/blob-store.ts'

type S3 = typeof import('@aws-sdk/client-s3')

/** With 10,000 of them an object may have 80 GB. */
const PART_BYTES = 8 * 1024 * 1024

/** @throws the SDK's own errors, and what the parts throw; nothing is left of an upload that failed */
export async function putInParts(
  client: S3Client,
  sdk: S3,
  { bucket, key }: BlobRef,
  bytes: AsyncIterable<Uint8Array>,
  { contentType, signal }: BlobPutOptions,
): Promise<void> {
  const target = { Bucket: bucket, Key: key }
  const options = signal === undefined ? {} : { abortSignal: signal }
  let upload: string | undefined
  const parts: CompletedPart[] = []
  try {
    for await (const { part, isLast } of inParts(bytes)) {
      if (isLast && upload === undefined) {
        const command = new sdk.PutObjectCommand({ ...target, Body: part, ContentType: contentType })
        await client.send(command, options)
        return
      }
      upload ??= (
        await client.send(
          new sdk.CreateMultipartUploadCommand({ ...target, ContentType: contentType }),
          options,
        )
      ).UploadId
      const PartNumber = parts.length + 1
      const { ETag } = await client.send(
        new sdk.UploadPartCommand({ ...target, UploadId: upload, PartNumber, Body: part }),
        options,
      )
      parts.push({ PartNumber, ETag })
    }
    await client.send(
      new sdk.CompleteMultipartUploadCommand({
        ...target,
        UploadId: upload,
        MultipartUpload: { Parts: parts },
      }),
      options,
    )
  } catch (error) {
    if (upload !== undefined) {
      const abort = new sdk.AbortMultipartUploadCommand({ ...target, UploadId: upload })
      // Who may not end it leaves parts that cost money; the rule of a bucket against them is the second way.
      await client.send(abort).catch(() => {})
    }
    throw error
  }
}

/** Pieces of any size as parts of one size; the last is what is left, nothing at all included. */
async function* inParts(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ part: Uint8Array; isLast: boolean }> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of bytes) {
    pieces.push(piece)
    size += piece.length
    if (size >= PART_BYTES) {
      yield { part: Buffer.concat(pieces), isLast: false }
      pieces = []
      size = 0
    }
  }
  yield { part: Buffer.concat(pieces), isLast: true }
}
