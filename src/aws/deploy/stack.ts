/** One stack: its state, change sets, and waiting for what CloudFormation does. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, Parameter, Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../sdk.ts'
import { type AwsSession, abortable, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-cloudformation')>('@aws-sdk/client-cloudformation')

const POLL_MS = 2000
/** A stack with provisioned concurrency takes some minutes; longer than this nothing here takes. */
const MAX_WAIT_MS = 45 * 60_000
const IN_PROGRESS = /_IN_PROGRESS$/

export interface WaitOptions {
  signal: AbortSignal
  onEvent(event: StackEvent): void
  pollMs?: number
}

/** undefined when there is no such stack. One whose first deployment was only planned is REVIEW_IN_PROGRESS. */
export async function describeStack(
  session: AwsSession,
  name: string,
  signal?: AbortSignal,
): Promise<Stack | undefined> {
  const { DescribeStacksCommand } = sdk()
  try {
    const command = new DescribeStacksCommand({ StackName: name })
    const { Stacks } = await session.cloudFormation.send(command, abortable(signal))
    const stack = Stacks?.[0]
    return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined
    throw awsFault(`the state of the stack ${name}`, error)
  }
}

/** Parameters as CloudFormation has them; those of `kept` keep the value of the last deployment. */
export interface StackInput {
  name: string
  template: string
  parameters: Record<string, string>
  kept: readonly string[]
  tags?: Record<string, string>
}

export interface ChangeSet {
  id: string
  changes: Change[]
  /** True when the stack is as wanted already. */
  empty: boolean
}

export async function createChangeSet(
  session: AwsSession,
  input: StackInput,
  wait: WaitOptions,
): Promise<ChangeSet> {
  const { CreateChangeSetCommand, DescribeChangeSetCommand } = sdk()
  const existing = await describeStack(session, input.name)
  const fresh = existing === undefined || existing.StackStatus === 'REVIEW_IN_PROGRESS'
  const parameters: Parameter[] = [
    ...Object.entries(input.parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    ...input.kept.map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true })),
  ]
  let id: string | undefined
  try {
    const created = await session.cloudFormation.send(
      new CreateChangeSetCommand({
        StackName: input.name,
        ChangeSetName: `boxlet-${Date.now()}`,
        ChangeSetType: fresh ? 'CREATE' : 'UPDATE',
        TemplateBody: input.template,
        Parameters: parameters,
        Capabilities: ['CAPABILITY_IAM'],
        Tags: Object.entries(input.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
      }),
    )
    id = created.Id
  } catch (error) {
    throw awsFault(`plan the stack ${input.name}`, error)
  }
  for (const started = Date.now(); Date.now() - started < MAX_WAIT_MS; ) {
    const set = await session.cloudFormation.send(
      new DescribeChangeSetCommand({ ChangeSetName: id, StackName: input.name }),
    )
    if (set.Status === 'CREATE_COMPLETE') return { id: id ?? '', changes: set.Changes ?? [], empty: false }
    if (set.Status === 'FAILED') {
      if (/didn't contain changes|No updates are to be performed/.test(set.StatusReason ?? ''))
        return { id: id ?? '', changes: [], empty: true }
      throw new BoxletError(
        'DEPLOY_FAILED',
        `Expected a plan for the stack but it failed: ${set.StatusReason}.`,
      )
    }
    await pause(wait)
  }
  throw timedOut(input.name)
}

/** Removes a plan that was not wanted, and the empty stack that planning a first one leaves. */
export async function discardChangeSet(session: AwsSession, name: string, id: string): Promise<void> {
  const { DeleteChangeSetCommand, DeleteStackCommand } = sdk()
  await session.cloudFormation
    .send(new DeleteChangeSetCommand({ ChangeSetName: id, StackName: name }))
    .catch(() => {})
  const stack = await describeStack(session, name)
  if (stack?.StackStatus === 'REVIEW_IN_PROGRESS')
    await session.cloudFormation.send(new DeleteStackCommand({ StackName: name })).catch(() => {})
}

export async function executeChangeSet(
  session: AwsSession,
  name: string,
  id: string,
  wait: WaitOptions,
): Promise<Stack> {
  const { ExecuteChangeSetCommand } = sdk()
  const since = new Date(Date.now() - 5000)
  try {
    await session.cloudFormation.send(new ExecuteChangeSetCommand({ ChangeSetName: id, StackName: name }))
  } catch (error) {
    throw awsFault(`change the stack ${name}`, error)
  }
  return settled(session, name, since, wait)
}

/** Waits until nothing is going on, passing on each event, and throws when the goal was not reached. */
export async function settled(
  session: AwsSession,
  name: string,
  since: Date,
  wait: WaitOptions,
): Promise<Stack> {
  const { stack, failures } = await follow(session, name, since, wait)
  if (stack === undefined)
    throw new BoxletError('DEPLOY_FAILED', `Expected the stack ${name} but it has gone.`)
  const status = stack.StackStatus ?? ''
  if (status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE') return stack
  const first = failures[0]
  const reason =
    first === undefined
      ? (stack.StackStatusReason ?? status)
      : `${first.LogicalResourceId}: ${first.ResourceStatusReason}`
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the stack ${name} to be ready but it is ${status}: ${reason}.`,
    {
      hint: status.includes('ROLLBACK_COMPLETE')
        ? 'CloudFormation took everything back; the service is as it was before.'
        : 'See the events of the stack in the console of CloudFormation.',
      details: { status },
    },
  )
}

async function follow(session: AwsSession, name: string, since: Date, wait: WaitOptions) {
  const { DescribeStackEventsCommand } = sdk()
  const seen = new Set<string>()
  const failures: StackEvent[] = []
  for (const started = Date.now(); Date.now() - started < MAX_WAIT_MS; ) {
    const stack = await describeStack(session, name)
    const events = await session.cloudFormation
      .send(new DescribeStackEventsCommand({ StackName: stack?.StackId ?? name }))
      .then(
        ({ StackEvents }) => StackEvents ?? [],
        () => [],
      )
    for (const event of events.reverse()) {
      if (event.EventId === undefined || seen.has(event.EventId)) continue
      seen.add(event.EventId)
      if ((event.Timestamp ?? since) < since) continue
      if (/_FAILED$/.test(event.ResourceStatus ?? '') && !/cancelled/i.test(event.ResourceStatusReason ?? ''))
        failures.push(event)
      wait.onEvent(event)
    }
    if (stack === undefined || !IN_PROGRESS.test(stack.StackStatus ?? '')) return { stack, failures }
    await pause(wait)
  }
  throw timedOut(name)
}

export async function deleteStack(session: AwsSession, name: string, wait: WaitOptions): Promise<void> {
  const { DeleteStackCommand } = sdk()
  const since = new Date(Date.now() - 5000)
  try {
    await session.cloudFormation.send(new DeleteStackCommand({ StackName: name }))
  } catch (error) {
    throw awsFault(`delete the stack ${name}`, error)
  }
  const { stack, failures } = await follow(session, name, since, wait)
  if (stack === undefined || stack.StackStatus === 'DELETE_COMPLETE') return
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the stack ${name} to go but it is ${stack.StackStatus}: ${failures[0]?.ResourceStatusReason ?? stack.StackStatusReason}.`,
  )
}

export async function currentTemplate(session: AwsSession, name: string): Promise<string | undefined> {
  const { GetTemplateCommand } = sdk()
  try {
    const { TemplateBody } = await session.cloudFormation.send(new GetTemplateCommand({ StackName: name }))
    return typeof TemplateBody === 'string' ? TemplateBody : JSON.stringify(TemplateBody)
  } catch {
    return undefined
  }
}

export const outputsOf = (stack: Stack): Record<string, string> =>
  Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  )

async function pause({ signal, pollMs = POLL_MS }: WaitOptions): Promise<void> {
  try {
    await sleep(pollMs, undefined, { signal })
  } catch (cause) {
    throw new BoxletError('ABORTED', 'Expected to watch the stack to its end but was interrupted.', {
      cause,
      hint: 'CloudFormation goes on by itself. Run the same command again to watch on.',
    })
  }
}

const timedOut = (name: string): BoxletError =>
  new BoxletError(
    'TIMEOUT',
    `Expected the stack ${name} to settle within ${MAX_WAIT_MS / 60_000} minutes but it did not.`,
    {
      hint: 'CloudFormation goes on by itself. Run the same command again to watch on.',
    },
  )

export const isMissing = (error: unknown): boolean => sdkFault(error).name === 'ResourceNotFoundException'
