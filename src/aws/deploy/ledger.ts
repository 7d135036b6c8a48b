/**
 * What each stack has uploaded, kept as one small object beside the packages. From it follows what may go: a
 * package stays while a stack serves it or could go back to it, and while any other stack refers to it.
 */
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../sdk.ts'
import type { Artefacts } from './artefacts.ts'
import { deleteObjects } from './bucket.ts'
import { type AwsSession, awsFault } from './session.ts'
import { describeStacks, parametersOf } from './stack.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

const FOLDER = 'stacks/'
const ledgerKey = (stack: string): string => `${FOLDER}${stack}.json`
/** A first deployment has uploaded its package before its stack can be seen. */
const YOUNG_MS = 24 * 3_600_000
/** The one that serves and the one before it. */
const KEPT = 2

export const artefactsIn = (parameters: Record<string, string>): Artefacts => ({
  codeKey: parameters.CodeKey ?? '',
  layerKey: parameters.LayerKey ?? '',
  modelLocation: parameters.ModelLocation ?? '',
})

const same = (a: Artefacts, b: Artefacts): boolean =>
  a.codeKey === b.codeKey && a.layerKey === b.layerKey && a.modelLocation === b.modelLocation

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
    if (['NoSuchKey', 'NoSuchBucket', 'SyntaxError'].includes(name)) return []
    // Without the right to list, S3 answers 403 for what is not there.
    if (status === 403 && !exists) return []
    throw awsFault(`read what the stack ${stack} has uploaded`, error)
  }
}

async function writeLedger(
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

/** Before the upload, so that nobody else prunes what is on its way. */
export async function noteUpload(
  session: AwsSession,
  bucket: string,
  stack: string,
  uploaded: Artefacts,
  serving: Artefacts | undefined,
): Promise<void> {
  const known = await readLedger(session, bucket, stack)
  const first = [uploaded, ...(serving === undefined ? [] : [serving])].filter(
    (one, index, all) => all.findIndex((other) => same(one, other)) === index,
  )
  const rest = known.filter((one) => !first.some((other) => same(one, other)))
  await writeLedger(session, bucket, stack, [...first, ...rest])
}

/** Deletes what this stack has uploaded and neither serves nor could go back to. Returns the number of objects. */
export async function prune(
  session: AwsSession,
  bucket: string,
  stack: string,
  serving: Artefacts,
): Promise<number> {
  const known = await readLedger(session, bucket, stack)
  const kept = [serving, ...known.filter((one) => !same(one, serving))].slice(0, KEPT)
  const dropped = known.filter((one) => !kept.some((other) => same(one, other)))
  if (dropped.length === 0) return 0
  const count = await deleteArtefacts(session, bucket, dropped, [
    ...kept,
    ...(await othersUse(session, bucket, stack)).artefacts,
  ])
  await writeLedger(session, bucket, stack, kept)
  return count
}

/** Deletes all that the stack refers to, and nothing that another one refers to. */
export async function deleteAllOf(
  session: AwsSession,
  bucket: string,
  stack: string,
  serving: Artefacts,
): Promise<{ objects: number; othersRemain: boolean }> {
  const others = await othersUse(session, bucket, stack)
  const known = [serving, ...(await readLedger(session, bucket, stack))]
  const objects = await deleteArtefacts(session, bucket, known, others.artefacts)
  await deleteObjects(session, bucket, [{ Key: ledgerKey(stack) }])
  return { objects, othersRemain: others.any }
}

/** What other stacks refer to: those that stand by their parameters, those on their way by what they noted. */
async function othersUse(
  session: AwsSession,
  bucket: string,
  stack: string,
): Promise<{ artefacts: Artefacts[]; any: boolean }> {
  const stacks = (await describeStacks(session)).filter(({ StackName }) => StackName !== stack)
  const users = stacks.filter((other) => {
    const { CodeBucket, ModelLocation = '' } = parametersOf(other)
    return CodeBucket === bucket || ModelLocation.startsWith(`${bucket}/`)
  })
  const names = new Set(users.map(({ StackName }) => StackName))
  const artefacts = users.map((other) => artefactsIn(parametersOf(other)))
  const notes = await listKeys(session, bucket, FOLDER)
  for (const { key, modified } of notes) {
    const other = key.slice(FOLDER.length, -'.json'.length)
    if (other === stack || !(names.has(other) || Date.now() - modified < YOUNG_MS)) continue
    names.add(other)
    artefacts.push(...(await readLedger(session, bucket, other, true)))
  }
  return { artefacts, any: names.size > 0 }
}

async function deleteArtefacts(
  session: AwsSession,
  bucket: string,
  dropped: readonly Artefacts[],
  kept: readonly Artefacts[],
): Promise<number> {
  const keep = new Set(kept.flatMap((one) => Object.values(one) as string[]))
  const keys = new Set<string>()
  for (const { codeKey, layerKey, modelLocation } of dropped) {
    for (const key of [codeKey, layerKey]) if (key.startsWith('packages/') && !keep.has(key)) keys.add(key)
    if (!modelLocation.startsWith(`${bucket}/models/`) || keep.has(modelLocation)) continue
    const folder = `${modelLocation.slice(bucket.length + 1)}/`
    for (const { key } of await listKeys(session, bucket, folder)) keys.add(key)
  }
  await deleteObjects(
    session,
    bucket,
    [...keys].map((Key) => ({ Key })),
  )
  return keys.size
}

async function listKeys(
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
      for (const { Key = '', LastModified } of page.Contents ?? [])
        found.push({ key: Key, modified: LastModified?.getTime() ?? 0 })
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
  } catch (error) {
    if (error instanceof BoxletError) throw error
    if (sdkFault(error).name === 'NoSuchBucket') return []
    throw awsFault(`what is below ${Prefix} in the bucket ${Bucket}`, error)
  }
  return found
}
