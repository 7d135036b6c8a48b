/**
 * What each stack has uploaded, kept as one small object beside the packages. From it follows what may go: a
 * package stays while a stack serves it or could go back to it, and while any other stack refers to it.
 */
import type { Artefacts } from './artefacts.ts'
import { deleteObjects, listKeys } from './bucket.ts'
import { FOLDER, ledgerKey, readLedger, writeLedger } from './ledger-file.ts'
import type { AwsSession } from './session.ts'
import { describeStacks, parametersOf } from './stack.ts'

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

/** Before the upload, so that nobody else prunes what is on its way. Returns what was noted before. */
export async function noteUpload(
  session: AwsSession,
  bucket: string,
  stack: string,
  uploaded: Artefacts,
  serving: Artefacts | undefined,
): Promise<Artefacts[]> {
  const known = await readLedger(session, bucket, stack)
  const first = [uploaded, ...(serving === undefined ? [] : [serving])].filter(
    (one, index, all) => all.findIndex((other) => same(one, other)) === index,
  )
  const rest = known.filter((one) => !first.some((other) => same(one, other)))
  await writeLedger(session, bucket, stack, [...first, ...rest])
  return known
}

export interface Upload {
  bucket: string
  stack: string
  /** Objects that were not there before. */
  keys: readonly string[]
  /** What the stack had noted before. */
  former: readonly Artefacts[]
  serving: Artefacts | undefined
}

/** Deletes what a run has uploaded to no end, unless somebody refers to it by now, and its note. */
export async function takeBackUpload(
  session: AwsSession,
  { bucket, stack, keys, former, serving }: Upload,
): Promise<{ objects: number; othersRemain: boolean }> {
  const others = await othersUse(session, bucket, stack)
  const kept = [...former, ...(serving === undefined ? [] : [serving]), ...others.artefacts]
  const isKept = (key: string): boolean =>
    kept.some(
      ({ codeKey, layerKey, modelLocation }) =>
        key === codeKey || key === layerKey || `${bucket}/${key}`.startsWith(`${modelLocation}/`),
    )
  const dropped = keys.filter((key) => !isKept(key))
  await deleteObjects(
    session,
    bucket,
    dropped.map((Key) => ({ Key })),
  )
  if (former.length > 0) {
    await writeLedger(session, bucket, stack, former)
  } else {
    await deleteObjects(session, bucket, [{ Key: ledgerKey(stack) }])
  }
  return { objects: dropped.length, othersRemain: others.any }
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
  if (dropped.length === 0) {
    return 0
  }
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
    if (other === stack || !(names.has(other) || Date.now() - modified < YOUNG_MS)) {
      continue
    }
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
    for (const key of [codeKey, layerKey]) {
      if (key.startsWith('packages/') && !keep.has(key)) {
        keys.add(key)
      }
    }
    if (!modelLocation.startsWith(`${bucket}/models/`) || keep.has(modelLocation)) {
      continue
    }
    const folder = `${modelLocation.slice(bucket.length + 1)}/`
    for (const { key } of await listKeys(session, bucket, folder)) {
      keys.add(key)
    }
  }
  await deleteObjects(
    session,
    bucket,
    [...keys].map((Key) => ({ Key })),
  )
  return keys.size
}
