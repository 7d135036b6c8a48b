/** What a stack has, with or without the stack itself, and taking it away. */
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { counted } from '../../system/words.ts'
import { artefactBucketName } from './artefacts.ts'
import { countObjects, deleteBucket } from './bucket.ts'
import { wasMadeBy } from './data-bucket.ts'
import { deleteStack, type WaitOptions } from './follow.ts'
import { deleteParameter } from './keys.ts'
import { keysLeft } from './keys-left.ts'
import { artefactsIn, deleteAllOf } from './ledger.ts'
import { readLedger } from './ledger-file.ts'
import type { AwsSession } from './session.ts'
import { describeStack, lastDeleted, otherStacksWith, parametersOf } from './stack.ts'

/** What there is to lose, to be shown before anything goes. */
export interface Inventory {
  stack: string
  /** undefined when the stack has gone already and the rest is what it left. */
  status: string | undefined
  /** Pictures and results; undefined without a data bucket. */
  dataBucket: { name: string; objects: number } | undefined
  /** Where packages of this stack are; undefined when there are none. */
  artefactBucket: string | undefined
  /** SSM parameters that deployments made. */
  keysParameters: string[]
  /** SSM parameter that a stack which stands uses and that was there before, so that it is kept. */
  foreignKeys: string | undefined
  /** What a stack of this name has made and another one uses now, so that it is kept whatever was asked for. */
  shared: { what: string; usedBy: string[] }[]
  /** Of the stack as it stands, or stood. */
  parameters: Record<string, string>
}

/** undefined when there is no stack of that name and nothing that one has left. */
export async function inventory(
  session: AwsSession,
  name: string,
  artefacts?: string,
): Promise<Inventory | undefined> {
  const stack = await describeStack(session, name)
  const known = stack ?? (await lastDeleted(session, name))
  // A stack that failed has no outputs, so its parameters tell what it was to have.
  const parameters = parametersOf(known)
  const shared: Inventory['shared'] = []
  const isShared = async (what: string, parameter: string, value: string): Promise<boolean> => {
    const usedBy = await otherStacksWith(session, name, parameter, value)
    if (usedBy.length > 0) {
      shared.push({ what: `${what} ${value}`, usedBy })
    }
    return usedBy.length > 0
  }
  let dataBucket = await dataOf(session, name, parameters)
  if (dataBucket && (await isShared('the bucket', 'DataBucketName', dataBucket.name))) {
    dataBucket = undefined
  }
  const keys = await keysLeft(session, name, (stack && parameters.KeysParameter) || '')
  const keysParameters: string[] = []
  for (const one of keys.own) {
    if (!(await isShared('the keys in', 'KeysParameter', one))) {
      keysParameters.push(one)
    }
  }
  const artefactBucket = await artefactsAt(session, name, artefacts, parameters, stack !== undefined)
  const found = [stack, dataBucket, keysParameters[0], artefactBucket, shared[0]]
  if (found.every((one) => one === undefined)) {
    return undefined
  }
  const status = stack?.StackStatus
  return {
    stack: name,
    status,
    dataBucket,
    artefactBucket,
    keysParameters,
    foreignKeys: keys.foreign,
    shared,
    parameters,
  }
}

async function dataOf(
  session: AwsSession,
  stack: string,
  { DataBucketName: name, CreateDataBucket: creates }: Record<string, string>,
): Promise<Inventory['dataBucket']> {
  if (!name) {
    return undefined
  }
  // A bucket that a user had before is his, whatever is in it.
  if (creates === 'false' && !(await wasMadeBy(session, stack, name))) {
    return undefined
  }
  const objects = await countObjects(session, name)
  return objects === undefined ? undefined : { name, objects }
}

async function artefactsAt(
  session: AwsSession,
  name: string,
  given: string | undefined,
  { CodeBucket: used }: Record<string, string>,
  stands: boolean,
): Promise<string | undefined> {
  const bucket = given ?? (used || artefactBucketName(session))
  const objects = await countObjects(session, bucket)
  if (objects === undefined) {
    return undefined
  }
  if (stands) {
    return used === bucket ? bucket : undefined
  }
  // What it has noted goes last, so that a deletion that was interrupted can be taken up again.
  const isLeft = (await readLedger(session, bucket, name)).length > 0
  return isLeft || (objects === 0 && bucket === artefactBucketName(session)) ? bucket : undefined
}

export interface DestroyOptions {
  deleteData: boolean
  deleteArtefacts: boolean
  onStep(text: string): void
  wait: WaitOptions
}

/** The stack first, so that nothing writes any more; then what was asked for besides. */
export async function destroy(session: AwsSession, found: Inventory, options: DestroyOptions): Promise<void> {
  const { onStep, wait } = options
  if (found.status !== undefined) {
    onStep(`Deleting the stack ${found.stack}.`)
    await deleteStack(session, found.stack, wait)
  }
  try {
    if (options.deleteData) {
      await destroyData(session, found, options)
    }
    if (options.deleteArtefacts) {
      await destroyPackages(session, found, options)
    }
  } catch (cause) {
    if (!(cause instanceof BoxletError) || cause.code !== 'ABORTED') {
      throw cause
    }
    throw new BoxletError('ABORTED', 'Expected to delete what the stack has left but was interrupted.', {
      cause,
      hint: `The stack ${found.stack} is gone. Run the same command again, which deletes the rest.`,
    })
  }
}

type Rest = Pick<DestroyOptions, 'onStep' | 'wait'>

async function destroyData(
  session: AwsSession,
  { dataBucket, keysParameters }: Inventory,
  { onStep, wait: { signal } }: Rest,
): Promise<void> {
  if (dataBucket !== undefined) {
    throwIfAborted(signal)
    onStep(`Deleting the bucket ${dataBucket.name}.`)
    await deleteBucket(session, dataBucket.name, signal, (count) => onStep(deleted(count)))
  }
  for (const name of keysParameters) {
    throwIfAborted(signal)
    onStep(`Deleting the keys in ${name}.`)
    await deleteParameter(session, name)
  }
}

async function destroyPackages(
  session: AwsSession,
  { stack, artefactBucket: bucket, parameters }: Inventory,
  { onStep, wait: { signal } }: Rest,
): Promise<void> {
  if (bucket === undefined) {
    return
  }
  throwIfAborted(signal)
  onStep(`Deleting the packages of ${stack} in ${bucket}.`)
  const { objects, othersRemain } = await deleteAllOf(session, bucket, stack, artefactsIn(parameters))
  onStep(deleted(objects))
  // A bucket that the user named holds things of his own.
  const isOurs = bucket === artefactBucketName(session)
  if (othersRemain || !isOurs) {
    return onStep(`The bucket ${bucket} is kept: ${othersRemain ? 'other stacks use it' : 'it is yours'}.`)
  }
  onStep(`Deleting the bucket ${bucket}.`)
  await deleteBucket(session, bucket, signal, (count) => onStep(deleted(count)))
}

const deleted = (objects: number): string => `Deleted ${counted(objects, 'object')}.`
