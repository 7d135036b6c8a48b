/** A plan of CloudFormation: made, shown, then executed or thrown away. Never left behind. */
import type { Change, Parameter, Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { loadSdk } from '../clients/sdk.ts'
import { change, MAX_WAIT_MS, pause, ready, timedOut, type WaitOptions } from './follow.ts'
import { type AwsSession, awsFault } from './session.ts'
import { describeStack, isOnlyPlanned } from './stack.ts'
import { templateArgument } from './template-upload.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-cloudformation')>('@aws-sdk/client-cloudformation')

export interface StackInput {
  name: string
  template: string
  /** All of them; those that are left out have their default. */
  parameters: Record<string, string>
  tags: Record<string, string>
  /** Without one, CloudFormation takes that of the last time, or else the caller's rights. */
  roleArn?: string | undefined
}

export interface ChangeSet {
  id: string
  changes: Change[]
  /** True when the stack is as wanted already. */
  empty: boolean
}

const UNCHANGED = /didn't contain changes|No updates are to be performed/

export async function createChangeSet(
  session: AwsSession,
  input: StackInput,
  wait: WaitOptions,
): Promise<ChangeSet> {
  const { CreateChangeSetCommand } = sdk()
  const existing = await describeStack(session, input.name)
  const fresh = existing === undefined || isOnlyPlanned(existing)
  const parameters: Parameter[] = Object.entries(input.parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  }))
  const template = await templateArgument(session, input.template, input.parameters.CodeBucket)
  const command = new CreateChangeSetCommand({
    StackName: input.name,
    ChangeSetName: `boxlet-${Date.now()}`,
    ChangeSetType: fresh ? 'CREATE' : 'UPDATE',
    ...template.argument,
    Parameters: parameters,
    Capabilities: ['CAPABILITY_IAM'],
    ...defined({ RoleARN: input.roleArn }),
    Tags: Object.entries(input.tags).map(([Key, Value]) => ({ Key, Value })),
  })
  const { Id: id = '' } = await session.cloudFormation.send(command).catch(async (cause) => {
    await template.remove()
    throw awsFault(`plan the stack ${input.name}`, cause)
  })
  try {
    return await plannedChanges(session, input.name, id, wait)
  } catch (error) {
    await discardChangeSet(session, input.name, id)
    throw error
  } finally {
    await template.remove()
  }
}

async function plannedChanges(
  session: AwsSession,
  name: string,
  id: string,
  wait: WaitOptions,
): Promise<ChangeSet> {
  const { DescribeChangeSetCommand } = sdk()
  const changes: Change[] = []
  let NextToken: string | undefined
  for (const started = Date.now(); Date.now() - started < MAX_WAIT_MS; ) {
    const command = new DescribeChangeSetCommand({
      ChangeSetName: id,
      StackName: name,
      IncludePropertyValues: true,
      NextToken,
    })
    const set = await session.cloudFormation.send(command).catch((cause) => {
      throw awsFault(`show the plan of the stack ${name}`, cause)
    })
    if (set.Status === 'CREATE_COMPLETE') {
      changes.push(...(set.Changes ?? []))
      NextToken = set.NextToken
      if (NextToken === undefined) {
        return { id, changes, empty: false }
      }
      continue
    }
    if (set.Status === 'FAILED') {
      if (UNCHANGED.test(set.StatusReason ?? '')) {
        return { id, changes: [], empty: true }
      }
      const reason = (set.StatusReason ?? 'no reason is given').replace(/\.$/, '')
      throw new BoxletError('DEPLOY_FAILED', `Expected a plan for the stack but it failed: ${reason}.`)
    }
    await pause(wait)
  }
  throw timedOut(name)
}

/** Removes a plan that was not wanted, and the empty stack that planning a first one makes. Never throws. */
export async function discardChangeSet(session: AwsSession, name: string, id: string): Promise<void> {
  const { DeleteChangeSetCommand, DeleteStackCommand } = sdk()
  await session.cloudFormation
    .send(new DeleteChangeSetCommand({ ChangeSetName: id, StackName: name }))
    .catch(() => {})
  const stack = await describeStack(session, name).catch(() => undefined)
  if (isOnlyPlanned(stack)) {
    await session.cloudFormation.send(new DeleteStackCommand({ StackName: name })).catch(() => {})
  }
}

export async function executeChangeSet(
  session: AwsSession,
  name: string,
  id: string,
  wait: WaitOptions,
): Promise<Stack> {
  const { ExecuteChangeSetCommand } = sdk()
  const command = new ExecuteChangeSetCommand({ ChangeSetName: id, StackName: name })
  let started = false
  try {
    const followed = await change(session, name, wait, async () => {
      await session.cloudFormation.send(command).catch((cause) => {
        throw awsFault(`change the stack ${name}`, cause)
      })
      started = true
    })
    return ready(session, name, followed)
  } catch (error) {
    if (!started) {
      await discardChangeSet(session, name, id)
    }
    throw error
  }
}
