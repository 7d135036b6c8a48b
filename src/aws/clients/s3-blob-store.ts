import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import type { BlobGetOptions, BlobPutOptions, BlobRef, BlobStore, ListedBlob } from '../../jobs/blob-store.ts'
import { readBounded } from '../../system/bytes.ts'
import { defined } from '../../system/defined.ts'
import { putInParts } from './s3-parts.ts'
import { clientOptions, isUnreachable, loadSdk, sdkFault, unreachable } from './sdk.ts'

type S3 = typeof import('@aws-sdk/client-s3')

export interface S3BlobStoreOptions {
  /** Buckets that callers may name; all that the role may read when undefined. */
  buckets?: readonly string[]
  /** For tests against an emulator. */
  endpoint?: string
  region?: string
  /** Most silence of a connection. Default: that of all clients inside a function. */
  timeoutMs?: number
}

/** Pictures and results in S3. The SDK is loaded, and a connection opened, with the first object. */
export class S3BlobStore implements BlobStore {
  readonly #options: S3BlobStoreOptions
  #client: S3Client | undefined

  constructor(options: S3BlobStoreOptions = {}) {
    this.#options = options
  }

  async get(ref: BlobRef, options: BlobGetOptions = {}): Promise<Uint8Array> {
    this.#checkBucket(ref)
    const { GetObjectCommand } = sdk()
    const { maxBytes = Number.POSITIVE_INFINITY, range, signal } = options
    let output: GetObjectCommandOutput
    try {
      output = await this.client.send(
        new GetObjectCommand({
          Bucket: ref.bucket,
          Key: ref.key,
          VersionId: ref.version,
          ...(range && { Range: `bytes=${range.start}-${range.start + range.length - 1}` }),
        }),
        sendOptions(signal),
      )
    } catch (error) {
      // What begins behind the end of an object is nothing, as reading a file has it.
      if (range !== undefined && sdkFault(error).status === 416) {
        return new Uint8Array()
      }
      throw readFault(error, signal)
    }
    const body = output.Body as (AsyncIterable<Uint8Array> & { destroy?(): void }) | undefined
    if (range === undefined && (output.ContentLength ?? 0) > maxBytes) {
      body?.destroy?.()
      throw tooLarge(maxBytes, output.ContentLength)
    }
    try {
      return await readBounded(body ?? [], maxBytes, () => tooLarge(maxBytes, undefined))
    } catch (error) {
      body?.destroy?.()
      throw error instanceof BoxletError ? error : readFault(error, signal)
    }
  }

  async put(
    ref: BlobRef,
    bytes: Uint8Array | AsyncIterable<Uint8Array>,
    options: BlobPutOptions = {},
  ): Promise<void> {
    this.#checkBucket(ref)
    const { PutObjectCommand } = sdk()
    const { contentType, signal } = options
    if (!(bytes instanceof Uint8Array)) {
      try {
        await putInParts(this.client, sdk(), ref, bytes, options)
      } catch (error) {
        throw error instanceof BoxletError ? error : writeFault(error, signal)
      }
      return
    }
    try {
      await this.client.send(
        new PutObjectCommand({
          Bucket: ref.bucket,
          Key: ref.key,
          Body: bytes,
          ContentType: contentType,
        }),
        sendOptions(signal),
      )
    } catch (error) {
      throw writeFault(error, signal)
    }
  }

  /** Within S3, up to 5 GB. @throws BoxletError IMAGE_NOT_FOUND, FORBIDDEN, IMAGE_UNREADABLE */
  async copy(from: BlobRef, to: BlobRef): Promise<void> {
    this.#checkBucket(from)
    this.#checkBucket(to)
    const { CopyObjectCommand } = sdk()
    const version = from.version === undefined ? '' : `?versionId=${from.version}`
    const CopySource = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}${version}`
    try {
      await this.client.send(
        new CopyObjectCommand({ Bucket: to.bucket, Key: to.key, CopySource, TaggingDirective: 'REPLACE' }),
      )
    } catch (error) {
      throw readFault(error, undefined)
    }
  }

  async *list(
    bucket: string,
    prefix: string,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<ListedBlob> {
    this.#checkBucket({ bucket, key: prefix })
    const { paginateListObjectsV2 } = sdk()
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: bucket, Prefix: prefix })
    try {
      for await (const { Contents = [] } of pages) {
        signal?.throwIfAborted()
        for (const { Key: key, Size: bytes = 0, LastModified } of Contents) {
          if (key !== undefined) {
            yield { key, bytes, ...defined({ at: LastModified?.getTime() }) }
          }
        }
      }
    } catch (error) {
      throw readFault(error, signal)
    }
  }

  async remove(ref: BlobRef): Promise<void> {
    this.#checkBucket(ref)
    const { DeleteObjectCommand } = sdk()
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: ref.bucket, Key: ref.key }))
    } catch (error) {
      throw writeFault(error, undefined)
    }
  }

  get client(): S3Client {
    if (this.#client === undefined) {
      const { S3Client } = sdk()
      const { endpoint, region, timeoutMs } = this.#options
      this.#client = new S3Client({
        ...clientOptions(timeoutMs),
        ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
        ...defined({ region }),
      })
    }
    return this.#client
  }

  #checkBucket({ bucket }: BlobRef): void {
    const { buckets } = this.#options
    if (buckets !== undefined && !buckets.includes(bucket)) {
      throw new BoxletError(
        'FORBIDDEN',
        'Expected a bucket that is configured here but received another one.',
      )
    }
  }
}

const sdk = (): S3 => loadSdk<S3>('@aws-sdk/client-s3')

function readFault(error: unknown, signal: AbortSignal | undefined): BoxletError {
  if (signal?.aborted) {
    return cancelled('read', error)
  }
  if (isUnreachable(error)) {
    return unreachable('IMAGE_UNREADABLE', 'S3', error)
  }
  const { name, status } = sdkFault(error)
  if (status === 404 || name === 'NoSuchKey' || name === 'NoSuchBucket') {
    return new BoxletError('IMAGE_NOT_FOUND', 'Expected an object in S3 but there is none of that name.', {
      cause: error,
    })
  }
  if (status === 403) {
    return forbidden('read', error)
  }
  return new BoxletError('IMAGE_UNREADABLE', `Expected S3 to give the object but it answered ${name}.`, {
    cause: error,
  })
}

export function writeFault(error: unknown, signal: AbortSignal | undefined): BoxletError {
  if (signal?.aborted) {
    return cancelled('written', error)
  }
  if (isUnreachable(error)) {
    return unreachable('OUTPUT_UNWRITABLE', 'S3', error)
  }
  const { name, status } = sdkFault(error)
  if (status === 403) {
    return forbidden('write', error)
  }
  return new BoxletError('OUTPUT_UNWRITABLE', `Expected S3 to store the object but it answered ${name}.`, {
    cause: error,
    ...(name === 'NoSuchBucket' ? { hint: 'Check the name and the region of the bucket.' } : {}),
  })
}

const sendOptions = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal })

const cancelled = (done: 'read' | 'written', cause: unknown): BoxletError =>
  new BoxletError('ABORTED', `Expected the object to be ${done} but the call was cancelled.`, { cause })

const forbidden = (what: 'read' | 'write', cause: unknown): BoxletError =>
  new BoxletError('FORBIDDEN', `Expected permission to ${what} the object in S3 but it was refused.`, {
    cause,
    hint: 'Name the bucket when deploying, so that the role of the function may use it.',
  })

const tooLarge = (maxBytes: number, bytes: number | undefined): BoxletError =>
  new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${maxBytes} bytes for the picture but received ${bytes ?? 'more'}.`,
  )
