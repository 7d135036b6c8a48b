/** From a package to a working endpoint: upload, plan, change, check, and back again where the check fails. */
import type { Change, Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import type { PackageResult } from '../package/build-package.ts'
import type { Template } from '../template/cloudformation.ts'
import { buildTemplate } from '../template/template.ts'
import { ensureBucket, uploadPackage } from './artefacts.ts'
import type { AwsSession } from './session.ts'
import { type SmokeResult, smokeDetection } from './smoke.ts'
import {
  createChangeSet,
  currentTemplate,
  deleteStack,
  describeStack,
  discardChangeSet,
  executeChangeSet,
  outputsOf,
  settled,
  type WaitOptions,
} from './stack.ts'

export interface DeployOptions {
  stack: string
  artefactBucket: string
  built: PackageResult
  /** What the user chose; parameters that he left out keep their last value, or their default the first time. */
  parameters: Record<string, string>
  /** Called with the plan; nothing is changed unless it answers true. */
  confirm(changes: Change[], first: boolean): Promise<boolean>
  onStep(text: string): void
  onEvent(event: StackEvent): void
  /** Picture of the check; none skips it. */
  smokePicture: Uint8Array | undefined
  signal: AbortSignal
  pollMs?: number
  /** Another template; emulators know fewer resource types than AWS. */
  template?: (codeHash: string) => Template
}

export interface DeployResult {
  outcome: 'created' | 'updated' | 'unchanged' | 'declined'
  outputs: Record<string, string>
  smoke: SmokeResult | undefined
}

export async function deploy(session: AwsSession, options: DeployOptions): Promise<DeployResult> {
  const { stack: name, built, onStep } = options
  const wait: WaitOptions = {
    signal: options.signal,
    onEvent: options.onEvent,
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
  }
  const before = await readyForChange(session, name, wait, onStep)
  await ensureBucket(session, options.artefactBucket)
  const uploaded = await uploadPackage(session, options.artefactBucket, built, (key, bytes) =>
    onStep(`Uploading ${key} (${(bytes / 1e6).toFixed(1)} MB).`),
  )
  const wanted = (options.template ?? buildTemplate)(built.sha256)
  const template = JSON.stringify(wanted)
  const parameters: Record<string, string> = {
    ...options.parameters,
    CodeBucket: options.artefactBucket,
    CodeKey: uploaded.codeKey,
    LayerKey: uploaded.layerKey,
    ModelLocation: uploaded.modelLocation,
    Architecture: built.arch,
  }
  const kept = (before?.Parameters ?? [])
    .map(({ ParameterKey = '' }) => ParameterKey)
    .filter((key) => !(key in parameters) && key in wanted.Parameters)
  const changeSet = await createChangeSet(
    session,
    { name, template, parameters, kept, tags: { 'boxlet:stack': name } },
    wait,
  )
  if (changeSet.empty) {
    await discardChangeSet(session, name, changeSet.id)
    const smoke = await check(session, before!, options)
    return { outcome: 'unchanged', outputs: outputsOf(before!), smoke }
  }
  if (!(await options.confirm(changeSet.changes, before === undefined))) {
    await discardChangeSet(session, name, changeSet.id)
    return { outcome: 'declined', outputs: before === undefined ? {} : outputsOf(before), smoke: undefined }
  }
  const previous = before === undefined ? undefined : await currentTemplate(session, name)
  onStep(before === undefined ? `Creating the stack ${name}.` : `Updating the stack ${name}.`)
  const after = await executeChangeSet(session, name, changeSet.id, wait)
  try {
    const smoke = await check(session, after, options)
    return { outcome: before === undefined ? 'created' : 'updated', outputs: outputsOf(after), smoke }
  } catch (error) {
    if (before === undefined || previous === undefined) throw error
    onStep('The new version does not detect. Going back to the one before.')
    await goBack(session, name, previous, before, wait)
    throw new BoxletError('DEPLOY_FAILED', (error as Error).message, {
      cause: error,
      hint: 'The version before is serving again. Look at "boxlet logs".',
    })
  }
}

/** A stack may be in the middle of something, or hold the rest of a first deployment that failed. */
async function readyForChange(
  session: AwsSession,
  name: string,
  wait: WaitOptions,
  onStep: (text: string) => void,
): Promise<Stack | undefined> {
  let stack = await describeStack(session, name)
  const status = stack?.StackStatus ?? ''
  if (status === 'REVIEW_IN_PROGRESS') return undefined
  if (status.endsWith('_IN_PROGRESS')) {
    onStep(`The stack ${name} is ${status}; waiting for it.`)
    stack = await settled(session, name, new Date(), wait).catch(() => describeStack(session, name))
  }
  if (['ROLLBACK_COMPLETE', 'CREATE_FAILED', 'ROLLBACK_FAILED'].includes(stack?.StackStatus ?? '')) {
    onStep(`Removing what the failed first deployment of ${name} left.`)
    await deleteStack(session, name, wait)
    return undefined
  }
  if (stack?.StackStatus === 'UPDATE_ROLLBACK_FAILED')
    throw new BoxletError(
      'DEPLOY_FAILED',
      `Expected a stack that can change but ${name} is UPDATE_ROLLBACK_FAILED.`,
      {
        hint: 'Choose "Continue update rollback" in the console of CloudFormation, then deploy again.',
      },
    )
  return stack
}

async function check(
  session: AwsSession,
  stack: Stack,
  options: DeployOptions,
): Promise<SmokeResult | undefined> {
  if (options.smokePicture === undefined) return undefined
  // The function bears the name of its stack; the alias is what callers reach.
  const target = outputsOf(stack).FunctionArn ?? options.stack
  options.onStep('Sending a picture.')
  return smokeDetection(session, target, options.smokePicture)
}

async function goBack(
  session: AwsSession,
  name: string,
  template: string,
  before: Stack,
  wait: WaitOptions,
): Promise<void> {
  const parameters = Object.fromEntries(
    (before.Parameters ?? []).map(({ ParameterKey = '', ParameterValue = '' }) => [
      ParameterKey,
      ParameterValue,
    ]),
  )
  const changeSet = await createChangeSet(session, { name, template, parameters, kept: [] }, wait)
  if (!changeSet.empty) await executeChangeSet(session, name, changeSet.id, wait)
}
