/** From a package to a working endpoint: upload, plan, change, check, and back again where the check fails. */

import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { type BoxletError, toBoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { PackageResult } from '../package/build-package.ts'
import { buildTemplate } from '../template/template.ts'
import { expireJobBlobs } from './blob-rule.ts'
import { type ChangeSet, createChangeSet, discardChangeSet, executeChangeSet } from './change-set.ts'
import { describeChanges, type PlannedChange } from './changes.ts'
import { type Checked, type CheckOptions, checkStack, isFunctionFailure } from './check.ts'
import { connectDataBucket, makesDataBucket } from './data-bucket.ts'
import type { WaitOptions } from './follow.ts'
import { firstFailure, goBack } from './going-back.ts'
import { type CreatedKeys, type KeysPlan, makeKeys } from './keys.ts'
import { type StoredPackage, stackTags } from './package-record.ts'
import { type ProvideOptions, provide, tidy } from './provide.ts'
import { readyForChange } from './ready.ts'
import type { AwsSession } from './session.ts'
import { resolveParameters } from './settings.ts'
import { currentTemplate, outputsOf, parametersOf } from './stack.ts'

export interface Plan {
  changes: PlannedChange[]
  /** True when the stack is to be created. */
  first: boolean
}

export interface DeployOptions extends ProvideOptions, Pick<CheckOptions, 'smokePicture' | 'fetch'> {
  /** What the user chose; parameters that he left out keep their last value, or their default the first time. */
  parameters: Record<string, string>
  keys?: KeysPlan
  /** Role that CloudFormation makes the resources with, now and later. */
  roleArn?: string | undefined
  /** Called with the plan; nothing is changed unless it answers true. */
  confirm(plan: Plan): Promise<boolean>
  /** Called as soon as keys exist, because nobody can read them again. */
  onKeys?(keys: CreatedKeys): void
  onEvent(event: StackEvent): void
  pollMs?: number
}

export interface DeployResult extends Checked {
  outcome: 'created' | 'updated' | 'unchanged' | 'declined'
  outputs: Record<string, string>
  parameters: Record<string, string>
}

/** S3 takes names of this length. */
const MOST_BUCKET_NAME = 63

/** Pictures of jobs need a bucket; who names none gets one that bears the name of the stack. */
function withJobBucket(
  { account, region }: AwsSession,
  stack: string,
  before: Stack | undefined,
  parameters: Record<string, string>,
): Record<string, string> {
  const named = parameters.DataBucketName ?? parametersOf(before).DataBucketName
  if (parameters.Jobs !== 'on' || named) {
    return parameters
  }
  const end = `-${account}-${region}`
  const start = stack.toLowerCase().slice(0, MOST_BUCKET_NAME - end.length)
  return { ...parameters, DataBucketName: `${start}${end}` }
}

export async function deploy(session: AwsSession, options: DeployOptions): Promise<DeployResult> {
  const { stack: name, onStep, signal } = options
  const wait: WaitOptions = {
    signal,
    onEvent: options.onEvent,
    ...defined({ pollMs: options.pollMs }),
  }
  const before = await readyForChange(session, name, wait, onStep)
  options.parameters = withJobBucket(session, name, before, options.parameters)
  const { DataBucketName: data } = { ...parametersOf(before), ...options.parameters }
  // A bucket that is refused is reported before the upload.
  if (data) {
    await makesDataBucket(session, name, before, data)
  }
  const { stored, takeBack } = await provide(session, options, before)
  const agreed = await agree(session, options, before, stored, wait).catch(async (error) => {
    await takeBack()
    throw error
  })
  if (agreed === undefined) {
    await takeBack()
    return { ...result('declined', before), ...UNCHECKED }
  }
  const { changeSet, parameters, bearer } = agreed
  const checks = { ...options, bearer }
  if (changeSet.empty) {
    onStep('The stack is as wanted already.')
    const fault = await connect(session, name, parameters)
    return { ...result('unchanged', before), ...withFault(await checkStack(session, before!, checks), fault) }
  }
  const previous = before === undefined ? undefined : await currentTemplate(session, name)
  onStep(before === undefined ? `Creating the stack ${name}.` : `Updating the stack ${name}.`)
  const after = await executeChangeSet(session, name, changeSet.id, wait)
  const fault = await connect(session, name, parameters)
  const checked = await checkStack(session, after, checks).catch(async (error) => {
    if (!isFunctionFailure(error)) {
      throw error
    }
    if (before === undefined) {
      throw firstFailure(session, name, after, error)
    }
    onStep('The new version does not detect. Going back to the one before.')
    throw await goBack(session, name, previous, before, error, wait)
  })
  await tidy(session, options, stored)
  return { ...result(before === undefined ? 'created' : 'updated', after), ...withFault(checked, fault) }
}

interface Agreed {
  /** Discarded already where it is empty. */
  changeSet: ChangeSet
  parameters: Record<string, string>
  /** A key that was just made. */
  bearer: string | undefined
}

/** Plans the change, asks, and makes the keys. undefined after a no; then, and after a fault, no plan is left. */
async function agree(
  session: AwsSession,
  options: DeployOptions,
  before: Stack | undefined,
  stored: StoredPackage,
  wait: WaitOptions,
): Promise<Agreed | undefined> {
  const { stack: name, onStep, signal } = options
  const template = buildTemplate(stored.hash)
  const parameters = await resolveParameters(session, {
    stack: name,
    before,
    template,
    chosen: { ...options.parameters, ...options.keys?.parameters },
    stored,
    modelBytes: bytesInS3(options.built?.package),
    onStep,
  })
  const input = {
    name,
    template: JSON.stringify(template),
    roleArn: options.roleArn,
    parameters,
    tags: stackTags(name, before, options.built?.record),
  }
  signal.throwIfAborted()
  const changeSet = await createChangeSet(session, input, wait)
  try {
    const plan = { changes: describeChanges(changeSet.changes, parameters.Auth === 'keys'), first: !before }
    const isAgreed = changeSet.empty || (await options.confirm(plan))
    if (isAgreed) {
      signal.throwIfAborted()
    }
    const bearer = isAgreed ? await keysFor(session, options, parameters.KmsKeyArn) : undefined
    if (!isAgreed || changeSet.empty) {
      await discardChangeSet(session, name, changeSet.id)
    }
    return isAgreed ? { changeSet, parameters, bearer } : undefined
  } catch (error) {
    await discardChangeSet(session, name, changeSet.id)
    throw error
  }
}

const UNCHECKED: Checked = { smoke: undefined, endpoint: undefined, unchecked: undefined }

const result = (outcome: DeployResult['outcome'], stack: Stack | undefined) => ({
  outcome,
  outputs: outputsOf(stack),
  parameters: parametersOf(stack),
})

const bytesInS3 = (built: PackageResult | undefined): number | undefined =>
  built?.model?.place === 's3' ? built.model.manifest.bytes : undefined

/** The stack stands whatever comes of it, so a fault is reported at the end. */
async function connect(
  session: AwsSession,
  stack: string,
  { CreateDataBucket: creates, DataBucketName: bucket, Jobs: jobs }: Record<string, string>,
): Promise<BoxletError | undefined> {
  if (creates !== 'false' || !bucket) {
    return undefined
  }
  try {
    await connectDataBucket(session, stack, bucket)
    if (jobs === 'on') {
      await expireJobBlobs(session, bucket)
    }
    return undefined
  } catch (error) {
    return toBoxletError(error)
  }
}

const withFault = (checked: Checked, fault: BoxletError | undefined): Checked => ({
  ...checked,
  unchecked: fault ?? checked.unchecked,
})

async function keysFor(
  session: AwsSession,
  { stack, keys, onKeys, onStep }: DeployOptions,
  kmsKey: string | undefined,
): Promise<string | undefined> {
  if (keys?.found !== undefined) {
    onStep(
      `The keys in ${keys.found} exist already and are used. Without them, make fresh ones with --new-keys.`,
    )
  }
  if (keys?.make === undefined) {
    return undefined
  }
  const created = await makeKeys(session, stack, keys.make, kmsKey)
  onKeys?.(created)
  return created.bearer
}
