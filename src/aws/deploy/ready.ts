import type { Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import { commandFor } from './command.ts'
import { deleteStack, follow, type WaitOptions } from './follow.ts'
import type { AwsSession } from './session.ts'
import { describeStack, isFailedFirst, isInProgress, isOnlyPlanned } from './stack.ts'

/** States that only a person can end, with what to do. */
const STUCK: Record<string, (session: AwsSession, name: string) => string> = {
  UPDATE_ROLLBACK_FAILED: () =>
    'Choose "Continue update rollback" in the console of CloudFormation, then deploy again.',
  DELETE_FAILED: (session, name) =>
    `Run "${commandFor(session, 'destroy', name)}", which tries the deletion again.`,
}

/**
 * Waits for what is going on, and removes what a failed first deployment left.
 *
 * @returns the stack to be updated, or undefined where one is to be created
 */
export async function readyForChange(
  session: AwsSession,
  name: string,
  wait: WaitOptions,
  onStep: (text: string) => void,
): Promise<Stack | undefined> {
  let stack = await describeStack(session, name)
  if (isInProgress(stack)) {
    onStep(`The stack ${name} is ${stack?.StackStatus}; waiting for it.`)
    stack = (await follow(session, name, wait)).stack
  }
  if (stack === undefined || isOnlyPlanned(stack)) {
    return undefined
  }
  if (isFailedFirst(stack)) {
    onStep(`Removing what the failed first deployment of ${name} left.`)
    await deleteStack(session, name, wait)
    return undefined
  }
  const status = stack.StackStatus ?? ''
  const hint = STUCK[status]?.(session, name)
  if (hint === undefined) {
    return stack
  }
  throw new BoxletError('DEPLOY_FAILED', `Expected a stack that can change but ${name} is ${status}.`, {
    hint,
  })
}
