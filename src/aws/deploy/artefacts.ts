/** The bucket that packages and models are deployed from. Names hold hashes, so nothing is ever overwritten. */
import { createHash } from 'node:crypto'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import type { PackageResult } from '../package/build-package.ts'
import type { PackageFile } from '../package/zip.ts'
import { hasBucket } from './bucket.ts'
import { partitionOf } from './regions.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/** One for each account and region, shared by all stacks of Boxlet there. */
export const artefactBucketName = ({ account, region }: AwsSession): string => `boxlet-${account}-${region}`

/**
 * Makes the bucket where it is missing. The settings of the shared bucket are applied every time, since an
 * interrupted run may have left it without; a bucket that the user named keeps his own.
 *
 * @returns true when it was made
 */
export async function ensureBucket(session: AwsSession, name: string): Promise<boolean> {
  const s3 = sdk()
  const exists = await hasBucket(session, name, 'Name another one with --artefacts.')
  try {
    if (!exists) {
      await session.s3.send(
        new s3.CreateBucketCommand({
          Bucket: name,
          ...(session.region === 'us-east-1'
            ? {}
            : { CreateBucketConfiguration: { LocationConstraint: session.region as 'eu-west-1' } }),
        }),
      )
    } else if (name !== artefactBucketName(session)) {
      return false
    }
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
    // An emulator without TLS would keep everybody out, us too.
    if (!/^http:/.test(process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL ?? '')) {
      await session.s3.send(
        new s3.PutBucketPolicyCommand({ Bucket: name, Policy: JSON.stringify(encryptedOnly(session, name)) }),
      )
    }
    // Nothing goes by age: a package is in use, or a way back, for as long as its stack stands.
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
          ],
        },
      }),
    )
  } catch (error) {
    throw awsFault(`set up the bucket ${name}`, error)
  }
  return !exists
}

/** Nobody may read or write in the clear. */
const encryptedOnly = ({ region }: AwsSession, bucket: string) => {
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  }
}

/** Where the parts of one package are; the parameters of the same names. */
export interface Artefacts {
  codeKey: string
  layerKey: string
  /** bucket/folder of the model, or empty. */
  modelLocation: string
}

/** Where a package is, or will be: all names follow from its bytes. */
export function artefactsOf(bucket: string, { sha256, model }: PackageResult): Artefacts {
  const layer = model?.layer
  return {
    codeKey: `packages/${sha256}.zip`,
    layerKey: layer === undefined ? '' : `packages/${hash([layer])}.zip`,
    // The graph alone is not enough: another class map or contract gives another model.
    modelLocation:
      model?.place === 's3'
        ? `${bucket}/models/${hash(model.files.map(({ bytes }) => createHash('sha256').update(bytes).digest()))}`
        : '',
  }
}

export async function uploadPackage(
  session: AwsSession,
  bucket: string,
  built: PackageResult,
  signal: AbortSignal,
  onUpload: (key: string, bytes: number) => void,
): Promise<Artefacts> {
  const { PutObjectCommand } = sdk()
  const put = async (Key: string, bytes: Uint8Array, ContentType: string): Promise<void> => {
    if ((await sizeOf(session, bucket, Key)) === bytes.length) {
      return
    }
    onUpload(Key, bytes.length)
    try {
      await session.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: bytes, ContentType }), {
        abortSignal: signal,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw awsFault(`store ${Key} in the bucket ${bucket}`, error)
    }
  }
  const artefacts = artefactsOf(bucket, built)
  await put(artefacts.codeKey, built.zip, 'application/zip')
  if (built.model?.layer !== undefined) {
    await put(artefacts.layerKey, built.model.layer, 'application/zip')
  }
  if (artefacts.modelLocation !== '') {
    for (const file of built.model?.files ?? []) {
      await put(
        `${artefacts.modelLocation.slice(bucket.length + 1)}/${baseName(file)}`,
        file.bytes,
        'application/octet-stream',
      )
    }
  }
  return artefacts
}

const baseName = ({ name }: PackageFile): string => name.slice(name.lastIndexOf('/') + 1)
const hash = (parts: readonly Uint8Array[]): string =>
  parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest('hex')

/** The name holds the hash, so an object of that name and size is the very same. undefined: there is none. */
export async function sizeOf(session: AwsSession, bucket: string, Key: string): Promise<number | undefined> {
  try {
    const head = await session.s3.send(new (sdk().HeadObjectCommand)({ Bucket: bucket, Key }))
    return head.ContentLength
  } catch (error) {
    // Without the right to list, S3 answers 403 for what is not there.
    if ([403, 404].includes(sdkFault(error).status ?? 0)) {
      return undefined
    }
    throw awsFault(`tell whether ${Key} is in the bucket ${bucket}`, error)
  }
}
