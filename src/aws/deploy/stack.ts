/** What CloudFormation knows of a stack: its state, parameters, outputs and tags. */
import type { Stack } from '@aws-sdk/client-cloudformation'
import { loadSdk } from '../clients/sdk.ts'
import { STACK_TAG } from './keys.ts'
import { type AwsSession, abortable, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-cloudformation')>('@aws-sdk/client-cloudformation')

/** States of a first deployment that failed: nothing serves, and such a stack can only be deleted. */
const FAILED_FIRST = ['ROLLBACK_COMPLETE', 'CREATE_FAILED', 'ROLLBACK_FAILED']
export const isFailedFirst = (stack: Stack | undefined): boolean =>
  FAILED_FIRST.includes(stack?.StackStatus ?? '')
/** A first plan makes an empty stack, which is there before anybody has agreed. */
export const isOnlyPlanned = (stack: Stack | undefined): boolean =>
  stack?.StackStatus === 'REVIEW_IN_PROGRESS'
export const isInProgress = (stack: Stack | undefined): boolean =>
  /_IN_PROGRESS$/.test(stack?.StackStatus ?? '') && !isOnlyPlanned(stack)
/** True when the stack has resources, or gets them, whose settings an update keeps. */
export const isStanding = (stack: Stack | undefined): stack is Stack =>
  stack !== undefined &&
  !isFailedFirst(stack) &&
  !isOnlyPlanned(stack) &&
  !/^(DELETE|ROLLBACK)_/.test(stack.StackStatus ?? '')

/** undefined when there is no such stack. One whose first deployment was only planned is REVIEW_IN_PROGRESS. */
export async function describeStack(
  session: AwsSession,
  nameOrId: string,
  signal?: AbortSignal,
): Promise<Stack | undefined> {
  const { DescribeStacksCommand } = sdk()
  try {
    const command = new DescribeStacksCommand({ StackName: nameOrId })
    const { Stacks } = await session.cloudFormation.send(command, abortable(signal))
    const stack = Stacks?.[0]
    return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) {
      return undefined
    }
    throw awsFault(`tell the state of the stack ${nameOrId}`, error)
  }
}

/** All stacks of this account and region that have not been deleted. */
export async function describeStacks(session: AwsSession, signal?: AbortSignal): Promise<Stack[]> {
  const { DescribeStacksCommand } = sdk()
  const found: Stack[] = []
  let NextToken: string | undefined
  try {
    do {
      const command = new DescribeStacksCommand({ NextToken })
      const page = await session.cloudFormation.send(command, abortable(signal))
      found.push(...(page.Stacks ?? []))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
  } catch (error) {
    throw awsFault('list the stacks of this region', error)
  }
  return found.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
}

/** Names of Boxlet's stacks in this region, in order: those that it has deployed, and those made from its template. */
export async function boxletStacks(session: AwsSession, signal?: AbortSignal): Promise<string[]> {
  const isOurs = (stack: Stack): boolean => {
    const parameters = parametersOf(stack)
    return STACK_TAG in tagsOf(stack) || ('CodeKey' in parameters && 'KeysParameter' in parameters)
  }
  return (await describeStacks(session, signal))
    .filter(isOurs)
    .map(({ StackName = '' }) => StackName)
    .sort()
}

/** Names of the other stacks that have this value for a parameter; `counts` leaves some of them out. */
export async function otherStacksWith(
  session: AwsSession,
  own: string,
  parameter: string,
  value: string,
  counts: (stack: Stack) => boolean = () => true,
): Promise<string[]> {
  return (await describeStacks(session))
    .filter((stack) => stack.StackName !== own && parametersOf(stack)[parameter] === value && counts(stack))
    .map(({ StackName = '' }) => StackName)
}

/** The last deleted stack of that name with its parameters, which CloudFormation remembers for 90 days. */
export async function lastDeleted(session: AwsSession, name: string): Promise<Stack | undefined> {
  const { DescribeStacksCommand, ListStacksCommand } = sdk()
  let NextToken: string | undefined
  let last: { id: string; at: number } | undefined
  try {
    do {
      const page = await session.cloudFormation.send(
        new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'], NextToken }),
      )
      for (const { StackName, StackId, DeletionTime } of page.StackSummaries ?? []) {
        const at = DeletionTime?.getTime() ?? 0
        if (StackName === name && StackId !== undefined && at >= (last?.at ?? 0)) {
          last = { id: StackId, at }
        }
      }
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    if (last === undefined) {
      return undefined
    }
    const { Stacks } = await session.cloudFormation.send(new DescribeStacksCommand({ StackName: last.id }))
    return Stacks?.[0]
  } catch (error) {
    throw awsFault(`tell what is remembered of the deleted stack ${name}`, error)
  }
}

/** Physical name of a resource; undefined where the stack has none of that name. */
export async function resourceId(
  session: AwsSession,
  stack: string,
  logicalId: string,
): Promise<string | undefined> {
  const { DescribeStackResourceCommand } = sdk()
  try {
    const { StackResourceDetail } = await session.cloudFormation.send(
      new DescribeStackResourceCommand({ StackName: stack, LogicalResourceId: logicalId }),
    )
    return StackResourceDetail?.ResourceStatus === 'DELETE_COMPLETE'
      ? undefined
      : StackResourceDetail?.PhysicalResourceId
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) {
      return undefined
    }
    throw awsFault(`show the resource ${logicalId} of the stack ${stack}`, error)
  }
}

/** undefined where the caller may not read it: what needs it says so. */
export async function currentTemplate(session: AwsSession, name: string): Promise<string | undefined> {
  const { GetTemplateCommand } = sdk()
  try {
    const { TemplateBody } = await session.cloudFormation.send(new GetTemplateCommand({ StackName: name }))
    return typeof TemplateBody === 'string' ? TemplateBody : JSON.stringify(TemplateBody)
  } catch {
    return undefined
  }
}

export const outputsOf = (stack: Stack | undefined): Record<string, string> =>
  Object.fromEntries(
    (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  )

export const parametersOf = (stack: Stack | undefined): Record<string, string> =>
  Object.fromEntries(
    (stack?.Parameters ?? []).map(({ ParameterKey = '', ParameterValue = '' }) => [
      ParameterKey,
      ParameterValue,
    ]),
  )

/** Tags of CloudFormation's own cannot be set, so they are left out. */
export const tagsOf = (stack: Stack | undefined): Record<string, string> =>
  Object.fromEntries(
    (stack?.Tags ?? [])
      .filter(({ Key = '' }) => !Key.startsWith('aws:'))
      .map(({ Key = '', Value = '' }) => [Key, Value]),
  )
