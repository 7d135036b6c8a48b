/** The bucket that packages and models are deployed from. Names hold hashes, so nothing is ever overwritten. */
import { createHash } from 'node:crypto'
import { BoxletError } from '../../errors.ts'
import type { PackageResult } from '../package/build-package.ts'
import type { PackageFile } from '../package/zip.ts'
import { loadSdk, sdkFault } from '../sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/** Packages and models of former deployments go after this long; a rollback needs only the last one. */
const KEEP_DAYS = 90

/** One for each account and region, shared by all stacks of Boxlet there. */
export const artefactBucketName = ({ account, region }: AwsSession): string => `boxlet-${account}-${region}`

export async function ensureBucket(session: AwsSession, name: string): Promise<void> {
  const s3 = sdk()
  try {
    await session.s3.send(new s3.HeadBucketCommand({ Bucket: name, ExpectedBucketOwner: session.account }))
    return
  } catch (error) {
    const { status } = sdkFault(error)
    if (status === 403)
      throw new BoxletError(
        'FORBIDDEN',
        `Expected the bucket ${name} to be yours but access to it was refused.`,
        {
          cause: error,
          hint: 'Name another one with --artefacts.',
        },
      )
    if (status !== 404) throw awsFault(`whether the bucket ${name} exists`, error)
  }
  try {
    await session.s3.send(
      new s3.CreateBucketCommand({
        Bucket: name,
        ...(session.region === 'us-east-1'
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: session.region as 'eu-west-1' } }),
      }),
    )
    await session.s3.send(
      new s3.PutPublicAccessBlockCommand({
        Bucket: name,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      }),
    )
    await session.s3.send(
      new s3.PutBucketLifecycleConfigurationCommand({
        Bucket: name,
        LifecycleConfiguration: {
          Rules: [
            {
              ID: 'unfinished uploads',
              Status: 'Enabled',
              Filter: { Prefix: '' },
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
            },
            {
              ID: 'former packages',
              Status: 'Enabled',
              Filter: { Prefix: 'packages/' },
              Expiration: { Days: KEEP_DAYS },
            },
          ],
        },
      }),
    )
  } catch (error) {
    throw awsFault(`create the bucket ${name}`, error)
  }
}

export interface Uploaded {
  codeKey: string
  layerKey: string
  /** bucket/folder of the model, or empty. */
  modelLocation: string
}

export async function uploadPackage(
  session: AwsSession,
  bucket: string,
  built: PackageResult,
  onUpload: (key: string, bytes: number) => void,
): Promise<Uploaded> {
  const put = async (key: string, bytes: Uint8Array, contentType: string): Promise<string> => {
    if (await exists(session, bucket, key, bytes.length)) return key
    onUpload(key, bytes.length)
    const { PutObjectCommand } = sdk()
    try {
      await session.s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType }),
      )
    } catch (error) {
      throw awsFault(`upload ${key}`, error)
    }
    return key
  }
  const codeKey = await put(`packages/${built.sha256}.zip`, built.zip, 'application/zip')
  const { model } = built
  const layerKey =
    model?.layer === undefined
      ? ''
      : await put(
          `packages/${createHash('sha256').update(model.layer).digest('hex')}.zip`,
          model.layer,
          'application/zip',
        )
  if (model?.place !== 's3') return { codeKey, layerKey, modelLocation: '' }
  const folder = `models/${model.manifest.sha256}`
  for (const file of model.files)
    await put(`${folder}/${baseName(file)}`, file.bytes, 'application/octet-stream')
  return { codeKey, layerKey, modelLocation: `${bucket}/${folder}` }
}

const baseName = ({ name }: PackageFile): string => name.slice(name.lastIndexOf('/') + 1)

/** The name holds the hash, so an object of that name and size is the very same. */
async function exists(session: AwsSession, bucket: string, key: string, bytes: number): Promise<boolean> {
  // The manifest keeps its name while its text may change.
  if (key.endsWith('.json')) return false
  const { HeadObjectCommand } = sdk()
  try {
    const head = await session.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    return head.ContentLength === bytes
  } catch {
    return false
  }
}

/** Deletes every object of a bucket, all versions too, and the bucket. */
export async function deleteBucket(
  session: AwsSession,
  name: string,
  onDeleted: (count: number) => void,
): Promise<void> {
  const s3 = sdk()
  let deleted = 0
  try {
    for (;;) {
      const page = await session.s3.send(new s3.ListObjectVersionsCommand({ Bucket: name }))
      const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
      const Objects = found.map(({ Key, VersionId }) => ({ Key, VersionId }))
      if (Objects.length === 0) break
      await session.s3.send(new s3.DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }))
      deleted += Objects.length
      onDeleted(deleted)
    }
    await session.s3.send(new s3.DeleteBucketCommand({ Bucket: name }))
  } catch (error) {
    if (sdkFault(error).name === 'NoSuchBucket') return
    throw awsFault(`empty and delete the bucket ${name}`, error)
  }
}

export async function countObjects(session: AwsSession, name: string): Promise<number | undefined> {
  const { ListObjectsV2Command } = sdk()
  try {
    const page = await session.s3.send(new ListObjectsV2Command({ Bucket: name }))
    return page.KeyCount ?? 0
  } catch {
    return undefined
  }
}
