/** From a package to a working endpoint: upload, plan, change, check, and back again where the check fails. */
import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { BoxletError, toBoxletError } from '../../errors.ts'
import type { PackageResult } from '../package/build-package.ts'
import { buildTemplate } from '../template/template.ts'
import { artefactsOf, ensureBucket, uploadPackage } from './artefacts.ts'
import { createChangeSet, discardChangeSet, executeChangeSet } from './change-set.ts'
import { describeChanges, type PlannedChange } from './changes.ts'
import { type Checked, type CheckOptions, checkStack, isFunctionFailure } from './check.ts'
import { connectDataBucket, makesDataBucket } from './data-bucket.ts'
import type { WaitOptions } from './follow.ts'
import { goBack } from './going-back.ts'
import { type CreatedKeys, type KeysPlan, makeKeys } from './keys.ts'
import { artefactsIn, noteUpload, prune } from './ledger.ts'
import { type PackageRecord, type StoredPackage, stackTags, storedPackage } from './package-record.ts'
import { readyForChange } from './ready.ts'
import type { AwsSession } from './session.ts'
import { resolveParameters } from './settings.ts'
import { currentTemplate, outputsOf, parametersOf } from './stack.ts'

export interface Plan {
  changes: PlannedChange[]
  /** True when the stack is to be created. */
  first: boolean
}

export interface DeployOptions extends Pick<CheckOptions, 'smokePicture' | 'fetch'> {
  stack: string
  artefactBucket: string
  /** undefined: the stack keeps the package that it has. */
  built: { package: PackageResult; record: PackageRecord } | undefined
  /** What the user chose; parameters that he left out keep their last value, or their default the first time. */
  parameters: Record<string, string>
  keys?: KeysPlan
  /** Called with the plan; nothing is changed unless it answers true. */
  confirm(plan: Plan): Promise<boolean>
  /** Called as soon as keys exist, because nobody can read them again. */
  onKeys?(keys: CreatedKeys): void
  onStep(text: string): void
  onEvent(event: StackEvent): void
  signal: AbortSignal
  pollMs?: number
}

export interface DeployResult extends Checked {
  outcome: 'created' | 'updated' | 'unchanged' | 'declined'
  outputs: Record<string, string>
  parameters: Record<string, string>
}

export async function deploy(session: AwsSession, options: DeployOptions): Promise<DeployResult> {
  const { stack: name, onStep, signal } = options
  const wait: WaitOptions = {
    signal,
    onEvent: options.onEvent,
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
  }
  const before = await readyForChange(session, name, wait, onStep)
  const { DataBucketName: data } = { ...parametersOf(before), ...options.parameters }
  // A bucket that is refused is told before the upload.
  if (data) await makesDataBucket(session, name, before, data)
  const stored = await provide(session, options, before)
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
    parameters,
    tags: stackTags(name, before, options.built?.record),
  }
  signal.throwIfAborted()
  const changeSet = await createChangeSet(session, input, wait)
  let bearer: string | undefined
  try {
    const plan = { changes: describeChanges(changeSet.changes, parameters.Auth === 'keys'), first: !before }
    if (!changeSet.empty && !(await options.confirm(plan))) {
      await discardChangeSet(session, name, changeSet.id)
      return { ...result('declined', before), ...UNCHECKED }
    }
    signal.throwIfAborted()
    bearer = await keysFor(session, options, parameters.KmsKeyArn)
  } catch (error) {
    await discardChangeSet(session, name, changeSet.id)
    throw error
  }
  const checks = { ...options, bearer }
  if (changeSet.empty) {
    await discardChangeSet(session, name, changeSet.id)
    const fault = await connect(session, name, parameters)
    return { ...result('unchanged', before), ...withFault(await checkStack(session, before!, checks), fault) }
  }
  const previous = before === undefined ? undefined : await currentTemplate(session, name)
  onStep(before === undefined ? `Creating the stack ${name}.` : `Updating the stack ${name}.`)
  const after = await executeChangeSet(session, name, changeSet.id, wait)
  const fault = await connect(session, name, parameters)
  const checked = await checkStack(session, after, checks).catch(async (error) => {
    if (!isFunctionFailure(error)) throw error
    if (before === undefined) throw firstFailure(name, after, error)
    onStep('The new version does not detect. Going back to the one before.')
    throw await goBack(session, name, previous, before, error, wait)
  })
  await tidy(session, options, stored)
  return { ...result(before === undefined ? 'created' : 'updated', after), ...withFault(checked, fault) }
}

const UNCHECKED: Checked = { smoke: undefined, endpoint: undefined, unchecked: undefined }

const result = (outcome: DeployResult['outcome'], stack: Stack | undefined) => ({
  outcome,
  outputs: outputsOf(stack),
  parameters: parametersOf(stack),
})

const bytesInS3 = (built: PackageResult | undefined): number | undefined =>
  built?.model?.place === 's3' ? built.model.manifest.bytes : undefined

/** The stack stands whatever comes of it, so a fault is told at the end. */
async function connect(
  session: AwsSession,
  stack: string,
  { CreateDataBucket: creates, DataBucketName: bucket }: Record<string, string>,
): Promise<BoxletError | undefined> {
  if (creates !== 'false' || !bucket) return undefined
  return connectDataBucket(session, stack, bucket).then(() => undefined, toBoxletError)
}

const withFault = (checked: Checked, fault: BoxletError | undefined): Checked => ({
  ...checked,
  unchecked: fault ?? checked.unchecked,
})

/** Uploads the package, or finds the one that the stack has. */
async function provide(
  session: AwsSession,
  { stack, artefactBucket: bucket, built, signal, onStep }: DeployOptions,
  before: Stack | undefined,
): Promise<StoredPackage> {
  if (built === undefined) {
    if (before !== undefined) return storedPackage(session, before)
    throw new BoxletError('USAGE', `Expected a package for the new stack ${stack} but received none.`, {
      hint: 'Name a model with --model.',
    })
  }
  const { sha256, arch } = built.package
  await ensureBucket(session, bucket)
  const serving = before === undefined ? undefined : artefactsIn(parametersOf(before))
  const artefacts = artefactsOf(bucket, built.package)
  await noteUpload(session, bucket, stack, artefacts, serving)
  await uploadPackage(session, bucket, built.package, signal, (key, bytes) =>
    onStep(`Uploading ${key} (${(bytes / 1e6).toFixed(1)} MB).`),
  )
  return { bucket, artefacts, arch, hash: sha256 }
}

async function keysFor(
  session: AwsSession,
  { keys, onKeys, onStep }: DeployOptions,
  kmsKey: string | undefined,
): Promise<string | undefined> {
  if (keys?.found !== undefined)
    onStep(
      `The keys in ${keys.found} exist already and are used. Without them, make fresh ones with --new-keys.`,
    )
  if (keys?.make === undefined) return undefined
  const created = await makeKeys(session, keys.make, kmsKey)
  onKeys?.(created)
  return created.bearer
}

function firstFailure(name: string, stack: Stack, failure: BoxletError): BoxletError {
  const { Endpoint: url } = outputsOf(stack)
  return new BoxletError('DEPLOY_FAILED', failure.message, {
    cause: failure,
    hint: `There is no version to go back to, so the stack ${name} stays up${url === undefined ? '' : ` at ${url}`} as it is. Look at "boxlet logs", then deploy again, or run "boxlet destroy".`,
  })
}

/** What nobody needs any more goes last; a fault there spoils nothing. */
async function tidy(
  session: AwsSession,
  { stack, built, onStep }: DeployOptions,
  { bucket, artefacts }: StoredPackage,
): Promise<void> {
  if (built === undefined) return
  try {
    const count = await prune(session, bucket, stack, artefacts)
    if (count > 0) onStep(`Deleted ${count} objects of former packages.`)
  } catch (error) {
    onStep(`Former packages are kept: ${toBoxletError(error).message}`)
  }
}
