/** An object of S3 into a file: its ranges come side by side and are hashed in order while later ones arrive. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import { loadSdk } from '../clients/sdk.ts'

type S3 = typeof import('@aws-sdk/client-s3')

/** Large enough that a request costs little beside its bytes, small enough that several fit into memory. */
const RANGE_BYTES = 8 * 2 ** 20
/** S3 gives about 90 MB/s per connection; four fill what a small Lambda can take. */
const PARALLEL = 4
const RANGE_ATTEMPTS = 3

export interface S3Location {
  bucket: string
  key: string
}

/** Returns the hash of the file as it reads back, so that a disk that lies is found too. */
export async function download(client: S3Client, at: S3Location, path: string): Promise<string> {
  const { HeadObjectCommand } = loadSdk<S3>('@aws-sdk/client-s3')
  const object = { Bucket: at.bucket, Key: at.key }
  const { ContentLength: total = 0, ETag } = await client.send(new HeadObjectCommand(object))
  const starts = Array.from({ length: Math.ceil(total / RANGE_BYTES) }, (_, index) => index * RANGE_BYTES)
  const stop = new AbortController()
  const read = (start: number): Promise<Uint8Array> => {
    const part = readRange(
      client,
      { ...object, ETag },
      start,
      Math.min(RANGE_BYTES, total - start),
      stop.signal,
    )
    // A later part may fail while an earlier one is awaited; it is reported when its turn comes.
    part.catch(() => {})
    return part
  }
  const hash = createHash('sha256')
  const pending: Promise<Uint8Array>[] = []
  const file = await open(path, 'wx+', 0o600)
  try {
    for (const [index, start] of starts.entries()) {
      while (pending.length < PARALLEL && index + pending.length < starts.length) {
        pending.push(read(starts[index + pending.length]!))
      }
      const bytes = await pending.shift()!
      await writeAll(file, bytes, start)
      hash.update(await readAll(file, bytes, start))
    }
    if ((await file.stat()).size !== total) {
      throw truncated(total)
    }
  } finally {
    stop.abort()
    await file.close()
  }
  return hash.digest('hex')
}

/** One range, in full. The SDK repeats a request that fails, but not one whose answer breaks off. */
async function readRange(
  client: S3Client,
  { ETag, ...object }: { Bucket: string; Key: string; ETag: string | undefined },
  start: number,
  length: number,
  abortSignal: AbortSignal,
): Promise<Uint8Array> {
  const { GetObjectCommand } = loadSdk<S3>('@aws-sdk/client-s3')
  for (let attempt = 1; ; attempt++) {
    // The tag keeps ranges of two versions from being mixed when the object is replaced meanwhile.
    const range = { Range: `bytes=${start}-${start + length - 1}`, IfMatch: ETag }
    const { Body } = await client.send(new GetObjectCommand({ ...object, ...range }), { abortSignal })
    try {
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      if (bytes.length !== length) {
        throw truncated(length)
      }
      return bytes
    } catch (error) {
      if (attempt === RANGE_ATTEMPTS || abortSignal.aborted) {
        throw error
      }
    }
  }
}

/** A write may take less than it was given, as on a disk that is about to be full. */
async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, start + done)
    done += bytesWritten
  }
}

async function readAll(file: FileHandle, into: Uint8Array, start: number): Promise<Uint8Array> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, start + done)
    if (bytesRead === 0) {
      throw truncated(into.length)
    }
    done += bytesRead
  }
  return into
}

const truncated = (bytes: number): BoxletError =>
  new BoxletError('DOWNLOAD_FAILED', `Expected ${bytes} bytes of the model but received another number.`)
