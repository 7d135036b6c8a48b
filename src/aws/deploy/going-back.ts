import type { Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { createChangeSet, executeChangeSet } from './change-set.ts'
import { commandFor } from './command.ts'
import type { WaitOptions } from './follow.ts'
import type { AwsSession } from './session.ts'
import { outputsOf, parametersOf, tagsOf } from './stack.ts'

/**
 * Puts the stack back as it was before a change whose function does not detect.
 *
 * @param template of the stack before; undefined where it could not be read
 * @returns the error to be raised: that of the function, and that of going back where it failed too
 */
export async function goBack(
  session: AwsSession,
  name: string,
  template: string | undefined,
  before: Stack,
  failure: BoxletError,
  wait: WaitOptions,
): Promise<BoxletError> {
  const logs = commandFor(session, 'logs', name)
  try {
    if (template === undefined) {
      throw new BoxletError(
        'FORBIDDEN',
        'Expected the template of the version before but it cannot be read.',
        { hint: 'You need cloudformation:GetTemplate.' },
      )
    }
    // All as it was, the revision too, so that the former version is the one that the alias points to.
    const input = { name, template, parameters: parametersOf(before), tags: tagsOf(before) }
    const changeSet = await createChangeSet(session, input, wait)
    if (!changeSet.empty) {
      await executeChangeSet(session, name, changeSet.id, wait)
    }
  } catch (error) {
    const second = toBoxletError(error)
    return new BoxletError('DEPLOY_FAILED', `${failure.message} Going back failed too: ${second.message}`, {
      cause: new AggregateError([failure, error]),
      hint: `The new version stays and does not detect.${second.hint === undefined ? '' : ` ${second.hint}`} Look at "${logs}", then deploy again.`,
      details: { wentBack: false },
    })
  }
  return new BoxletError('DEPLOY_FAILED', failure.message, {
    cause: failure,
    hint: `The version before is serving again. Look at "${logs}".`,
    details: { wentBack: true },
  })
}

/** A first version stays, since there is nothing to go back to. */
export function firstFailure(
  session: AwsSession,
  name: string,
  stack: Stack,
  failure: BoxletError,
): BoxletError {
  const [logs, destroy] = ['logs', 'destroy'].map((verb) => commandFor(session, verb, name))
  const { Endpoint: url } = outputsOf(stack)
  return new BoxletError('DEPLOY_FAILED', failure.message, {
    cause: failure,
    hint: `There is no version to go back to, so the stack ${name} stays up${url === undefined ? '' : ` at ${url}`} as it is. Look at "${logs}", then deploy again, or run "${destroy}".`,
  })
}
