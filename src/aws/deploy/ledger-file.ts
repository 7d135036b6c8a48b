/** The note of what one stack has uploaded: a small object beside the packages. */
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import type { Artefacts } from './artefacts.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

export const FOLDER = 'stacks/'
export const ledgerKey = (stack: string): string => `${FOLDER}${stack}.json`

/**
 * Newest first; empty where nothing was uploaded from here.
 *
 * @param exists the ledger was seen, so that an answer of 403 is no way to say that it is missing
 */
export async function readLedger(
  session: AwsSession,
  bucket: string,
  stack: string,
  exists = false,
): Promise<Artefacts[]> {
  try {
    const { Body } = await session.s3.send(
      new (sdk().GetObjectCommand)({ Bucket: bucket, Key: ledgerKey(stack) }),
    )
    const { packages } = JSON.parse((await Body?.transformToString()) ?? '') as { packages?: Artefacts[] }
    return packages ?? []
  } catch (error) {
    const { name, status } = sdkFault(error)
    if (['NoSuchKey', 'NoSuchBucket', 'SyntaxError'].includes(name)) {
      return []
    }
    // Without the right to list, S3 answers 403 for what is not there.
    if (status === 403 && !exists) {
      return []
    }
    throw awsFault(`tell what the stack ${stack} has uploaded`, error)
  }
}

export async function writeLedger(
  session: AwsSession,
  bucket: string,
  stack: string,
  packages: readonly Artefacts[],
): Promise<void> {
  try {
    await session.s3.send(
      new (sdk().PutObjectCommand)({
        Bucket: bucket,
        Key: ledgerKey(stack),
        Body: JSON.stringify({ version: 1, packages }),
        ContentType: 'application/json',
      }),
    )
  } catch (error) {
    throw awsFault(`note what the stack ${stack} has uploaded`, error)
  }
}
