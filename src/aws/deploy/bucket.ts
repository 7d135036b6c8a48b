/** Buckets as wholes: whether they are there and ours, and emptying and deleting them. */
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { counted } from '../../system/words.ts'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/**
 * @returns false when there is no bucket of that name
 * @throws BoxletError FORBIDDEN when it belongs to somebody else or must not be looked at
 */
export async function hasBucket(session: AwsSession, name: string, hint: string): Promise<boolean> {
  try {
    await session.s3.send(
      new (sdk().HeadBucketCommand)({ Bucket: name, ExpectedBucketOwner: session.account }),
    )
    return true
  } catch (cause) {
    const { status } = sdkFault(cause)
    if (status === 404) {
      return false
    }
    if (status === 301) {
      throw new BoxletError(
        'USAGE',
        `Expected a bucket in ${session.region} but ${name} is in another region.`,
        { cause, hint: 'Deploy to the region of the bucket with --region, or name another one.' },
      )
    }
    if (status === 403) {
      throw new BoxletError(
        'FORBIDDEN',
        `Expected the bucket ${name} to be yours but access to it was refused.`,
        { cause, hint },
      )
    }
    throw awsFault(`tell whether the bucket ${name} exists`, cause)
  }
}

/** Objects of the first page, so 1000 means 1000 or more; undefined when there is no such bucket. */
export async function countObjects(session: AwsSession, name: string): Promise<number | undefined> {
  try {
    const page = await session.s3.send(new (sdk().ListObjectsV2Command)({ Bucket: name }))
    return page.KeyCount ?? 0
  } catch (error) {
    if (sdkFault(error).name === 'NoSuchBucket') {
      return undefined
    }
    throw awsFault(`list what is in the bucket ${name}`, error)
  }
}

type Stored = { Key?: string | undefined; VersionId?: string | undefined }

/** Deletes objects of one bucket. @throws BoxletError AWS_FAILED naming the first that was not deleted */
export async function deleteObjects(
  session: AwsSession,
  bucket: string,
  objects: readonly Stored[],
): Promise<void> {
  if (objects.length === 0) {
    return
  }
  const command = new (sdk().DeleteObjectsCommand)({
    Bucket: bucket,
    Delete: { Objects: objects.map(({ Key, VersionId }) => ({ Key, VersionId })), Quiet: true },
  })
  const { Errors = [] } = await session.s3.send(command).catch((cause) => {
    throw awsFault(`delete objects of the bucket ${bucket}`, cause)
  })
  const first = Errors[0]
  if (first === undefined) {
    return
  }
  throw new BoxletError(
    'AWS_FAILED',
    `Expected AWS to delete ${counted(objects.length, 'object')} of the bucket ${bucket} but it refused ${Errors.length}: ${first.Key}: ${first.Code}.`,
    { hint: 'Look at the policy and the object lock of the bucket, then run the same command again.' },
  )
}

/** Deletes every object of a bucket, all versions too, and the bucket. One that has gone already is fine. */
export async function deleteBucket(
  session: AwsSession,
  name: string,
  signal: AbortSignal,
  onDeleted: (count: number) => void,
): Promise<void> {
  const { ListObjectVersionsCommand, DeleteBucketCommand } = sdk()
  let deleted = 0
  try {
    for (;;) {
      throwIfAborted(signal)
      const page = await session.s3.send(new ListObjectVersionsCommand({ Bucket: name }))
      const found: Stored[] = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
      if (found.length === 0) {
        break
      }
      await deleteObjects(session, name, found)
      deleted += found.length
      onDeleted(deleted)
    }
    await session.s3.send(new DeleteBucketCommand({ Bucket: name }))
  } catch (error) {
    if (error instanceof BoxletError) {
      throw error
    }
    if (sdkFault(error).name === 'NoSuchBucket') {
      return
    }
    throw awsFault(`empty and delete the bucket ${name}`, error)
  }
}

/** Deletes a bucket, unless there is something in it or it has gone already. */
export async function deleteEmptyBucket(session: AwsSession, name: string): Promise<void> {
  try {
    await session.s3.send(new (sdk().DeleteBucketCommand)({ Bucket: name }))
  } catch (error) {
    if (['BucketNotEmpty', 'NoSuchBucket'].includes(sdkFault(error).name)) {
      return
    }
    throw awsFault(`delete the bucket ${name}`, error)
  }
}

/** Keys with this start, and when they were written, in milliseconds. None where there is no such bucket. */
export async function listKeys(
  session: AwsSession,
  Bucket: string,
  Prefix: string,
): Promise<{ key: string; modified: number }[]> {
  const found: { key: string; modified: number }[] = []
  let ContinuationToken: string | undefined
  try {
    do {
      const page = await session.s3.send(
        new (sdk().ListObjectsV2Command)({ Bucket, Prefix, ContinuationToken }),
      )
      for (const { Key = '', LastModified } of page.Contents ?? []) {
        found.push({ key: Key, modified: LastModified?.getTime() ?? 0 })
      }
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
  } catch (error) {
    if (error instanceof BoxletError) {
      throw error
    }
    if (sdkFault(error).name === 'NoSuchBucket') {
      return []
    }
    throw awsFault(`list what is below ${Prefix} in the bucket ${Bucket}`, error)
  }
  return found
}
