/**
 * A model that lies in S3: its ranges are fetched side by side, hashed in order while later ones arrive, and
 * kept in the writable folder, which outlives single calls and restarts of the process.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../sdk.ts'

type S3 = typeof import('@aws-sdk/client-s3')

/** Large enough that a request costs little beside its bytes, small enough that several fit into memory. */
const RANGE_BYTES = 8 * 2 ** 20
/** S3 gives about 90 MB/s per connection; four fill what a small Lambda can take. */
const PARALLEL = 4

export interface S3Location {
  bucket: string
  key: string
}

/** Reads `s3://bucket/key`. */
export function parseS3Uri(uri: string): S3Location {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri)
  if (match === null)
    throw new BoxletError('CONFIG_INVALID', `Expected s3://bucket/key for the model but received "${uri}".`)
  return { bucket: match[1]!, key: match[2]! }
}

/**
 * Path of the verified file below `folder`.
 *
 * @param sha256 lower-case hex; without one the bytes are taken as they come
 * @throws BoxletError MODEL_NOT_FOUND, FORBIDDEN, DOWNLOAD_FAILED, DOWNLOAD_MISMATCH
 */
export async function fetchModel(
  client: S3Client,
  at: S3Location,
  sha256: string | undefined,
  folder: string,
): Promise<string> {
  const extension = /\.[a-z]+$/.exec(at.key)?.[0] ?? '.onnx'
  const path = join(folder, `boxlet-${sha256?.slice(0, 16) ?? 'model'}${extension}`)
  if (sha256 !== undefined && (await hasHash(path, sha256))) return path
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  try {
    const found = await download(client, at, temporary)
    if (sha256 !== undefined && found !== sha256)
      throw new BoxletError(
        'DOWNLOAD_MISMATCH',
        'Expected the model that was packaged but S3 holds other bytes.',
        {
          hint: 'Deploy again, which uploads the model under the name of its hash.',
        },
      )
    await rename(temporary, path)
    return path
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof BoxletError ? error : downloadFault(error)
  }
}

/** Small files beside the model: the manifest, a class map. undefined when there is none. */
export async function fetchText(
  client: S3Client,
  at: S3Location,
  maxBytes: number,
): Promise<string | undefined> {
  const { GetObjectCommand } = loadSdk<S3>('@aws-sdk/client-s3')
  try {
    const { Body, ContentLength } = await client.send(
      new GetObjectCommand({ Bucket: at.bucket, Key: at.key }),
    )
    if ((ContentLength ?? 0) > maxBytes)
      throw new BoxletError(
        'MODEL_LIMIT',
        `Expected at most ${maxBytes} bytes beside the model but received more.`,
      )
    return await Body?.transformToString('utf8')
  } catch (error) {
    // Without permission to list, S3 answers 403 for an object that does not exist.
    if ([403, 404].includes(sdkFault(error).status ?? 0)) return undefined
    throw error instanceof BoxletError ? error : downloadFault(error)
  }
}

async function download(client: S3Client, at: S3Location, path: string): Promise<string> {
  const { HeadObjectCommand, GetObjectCommand } = loadSdk<S3>('@aws-sdk/client-s3')
  const object = { Bucket: at.bucket, Key: at.key }
  const { ContentLength: total = 0, ETag } = await client.send(new HeadObjectCommand(object))
  const read = async (start: number): Promise<Uint8Array> => {
    const end = Math.min(start + RANGE_BYTES, total) - 1
    // The tag keeps ranges of two versions from being mixed when the object is replaced meanwhile.
    const { Body } = await client.send(
      new GetObjectCommand({ ...object, Range: `bytes=${start}-${end}`, IfMatch: ETag }),
    )
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }
  const hash = createHash('sha256')
  const starts = Array.from({ length: Math.ceil(total / RANGE_BYTES) }, (_, index) => index * RANGE_BYTES)
  const pending: Promise<Uint8Array>[] = []
  const file = await open(path, 'wx', 0o600)
  try {
    for (let index = 0; index < starts.length; index++) {
      while (pending.length < PARALLEL && index + pending.length < starts.length) {
        const part = read(starts[index + pending.length]!)
        // A later part may fail while an earlier one is awaited; it is reported when its turn comes.
        part.catch(() => {})
        pending.push(part)
      }
      const bytes = await pending.shift()!
      hash.update(bytes)
      await file.write(bytes)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

async function hasHash(path: string, sha256: string): Promise<boolean> {
  if ((await stat(path).catch(() => undefined)) === undefined) return false
  const hash: Hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === sha256
}

function downloadFault(cause: unknown): BoxletError {
  const { name, status } = sdkFault(cause)
  if (status === 404)
    return new BoxletError('MODEL_NOT_FOUND', 'Expected the model in S3 but it is not there.', { cause })
  if (status === 403)
    return new BoxletError('FORBIDDEN', 'Expected permission to read the model in S3 but it was refused.', {
      cause,
    })
  return new BoxletError('DOWNLOAD_FAILED', `Expected S3 to give the model but it answered ${name}.`, {
    cause,
  })
}
