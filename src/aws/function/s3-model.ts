/**
 * A model that lies in S3, verified by its hash and kept in the writable folder, which outlives single calls and
 * restarts of the process.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import { isUnreachable, loadSdk, sdkFault, unreachable } from '../clients/sdk.ts'
import { download, type S3Location } from './s3-download.ts'

export type { S3Location } from './s3-download.ts'

type S3 = typeof import('@aws-sdk/client-s3')

/** Reads `s3://bucket/key`. */
export function parseS3Uri(uri: string): S3Location {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri)
  if (match === null) {
    throw new BoxletError('CONFIG_INVALID', `Expected s3://bucket/key for the model but received "${uri}".`)
  }
  return { bucket: match[1]!, key: match[2]! }
}

/**
 * Path of the verified file below `folder`.
 *
 * @param wanted SHA-256 in hexadecimal; without one the bytes are taken as they come, and fetched by each start
 * @throws BoxletError MODEL_NOT_FOUND, FORBIDDEN, DOWNLOAD_FAILED, DOWNLOAD_MISMATCH
 */
export async function fetchModel(
  client: S3Client,
  at: S3Location,
  wanted: string | undefined,
  folder: string,
): Promise<string> {
  const sha256 = wanted?.toLowerCase()
  const extension = /\.[a-z]+$/.exec(at.key)?.[0] ?? '.onnx'
  const path = join(folder, `boxlet-${sha256?.slice(0, 16) ?? 'model'}${extension}`)
  if (sha256 !== undefined && (await hasHash(path, sha256))) {
    return path
  }
  await removePartial(folder, `${basename(path)}.`)
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  try {
    const found = await download(client, at, temporary)
    if (sha256 !== undefined && found !== sha256) {
      throw new BoxletError(
        'DOWNLOAD_MISMATCH',
        'Expected the model that was packaged but S3 holds other bytes.',
        {
          hint: 'Deploy again, which uploads the model under the name of its hash.',
        },
      )
    }
    await rename(temporary, path)
    return path
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof BoxletError ? error : downloadFault(error)
  }
}

/** Lambda keeps /tmp when it resets the process in the middle of a download, and the rest takes up room for good. */
async function removePartial(folder: string, start: string): Promise<void> {
  const left = (await readdir(folder).catch((): string[] => [])).filter((name) => name.startsWith(start))
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })))
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
    if ((ContentLength ?? 0) > maxBytes) {
      throw new BoxletError(
        'MODEL_LIMIT',
        `Expected at most ${maxBytes} bytes beside the model but received more.`,
      )
    }
    return await Body?.transformToString('utf8')
  } catch (error) {
    // Without permission to list, S3 answers 403 for an object that does not exist.
    if ([403, 404].includes(sdkFault(error).status ?? 0)) {
      return undefined
    }
    throw error instanceof BoxletError ? error : downloadFault(error)
  }
}

/** A file of an earlier process is checked in full: its download may have been cut off, or the file changed. */
async function hasHash(path: string, sha256: string): Promise<boolean> {
  if ((await stat(path).catch(() => undefined)) === undefined) {
    return false
  }
  const hash: Hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === sha256
}

function downloadFault(cause: unknown): BoxletError {
  const { name, status } = sdkFault(cause)
  if (isUnreachable(cause)) {
    return unreachable('DOWNLOAD_FAILED', 'S3', cause)
  }
  if (status === 412) {
    return new BoxletError(
      'DOWNLOAD_FAILED',
      'Expected one version of the model but it was replaced meanwhile.',
      {
        cause,
        hint: 'The next call reads the new one.',
      },
    )
  }
  if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
    return new BoxletError('CACHE_UNWRITABLE', 'Expected room for the model in /tmp but it is full.', {
      cause,
      hint: 'Give the function more ephemeral storage.',
    })
  }
  if (status === 404) {
    return new BoxletError('MODEL_NOT_FOUND', 'Expected the model in S3 but it is not there.', { cause })
  }
  if (status === 403) {
    return new BoxletError('FORBIDDEN', 'Expected permission to read the model in S3 but it was refused.', {
      cause,
    })
  }
  return new BoxletError('DOWNLOAD_FAILED', `Expected S3 to give the model but it answered ${name}.`, {
    cause,
  })
}
