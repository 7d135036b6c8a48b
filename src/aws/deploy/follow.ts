/** Waiting for what CloudFormation does, with its events passed on. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { BoxletError } from '../../errors.ts'
import { loadSdk } from '../clients/sdk.ts'
import { commandFor } from './command.ts'
import { type AwsSession, awsFault } from './session.ts'
import { describeStack } from './stack.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-cloudformation')>('@aws-sdk/client-cloudformation')

const POLL_MS = 2000
/** A stack with provisioned concurrency takes some minutes; longer than this nothing here takes. */
export const MAX_WAIT_MS = 45 * 60_000
/** A state without a word about it is believed after this many looks; events may not be readable. */
const LOOKS_WITHOUT_EVENT = 15

export interface WaitOptions {
  signal: AbortSignal
  onEvent(event: StackEvent): void
  pollMs?: number
}

export interface Followed {
  /** undefined when the stack has gone. */
  stack: Stack | undefined
  failures: StackEvent[]
}

const STACK_TYPE = 'AWS::CloudFormation::Stack'
const isFinal = (status: string | undefined): boolean => !/_IN_PROGRESS$/.test(status ?? '_IN_PROGRESS')

/** Oldest first; undefined where they cannot be read, now or at all. */
async function eventsOf(session: AwsSession, id: string): Promise<StackEvent[] | undefined> {
  const { DescribeStackEventsCommand } = sdk()
  return session.cloudFormation.send(new DescribeStackEventsCommand({ StackName: id })).then(
    ({ StackEvents }) => (StackEvents ?? []).reverse(),
    () => undefined,
  )
}

const idsOf = (events: StackEvent[]): Set<string | undefined> => new Set(events.map(({ EventId }) => EventId))

/**
 * Starts something and follows it to its end. What the stack says of itself may still be the state before, so
 * a final state counts only once a new event tells the same.
 */
export async function change(
  session: AwsSession,
  name: string,
  wait: WaitOptions,
  start: () => Promise<unknown>,
): Promise<Followed> {
  const id = (await describeStack(session, name))?.StackId ?? name
  const known = await eventsOf(session, id)
  await start()
  return watch(session, id, wait, known, false)
}

/** Follows what somebody else has started. */
export async function follow(session: AwsSession, name: string, wait: WaitOptions): Promise<Followed> {
  const id = (await describeStack(session, name))?.StackId ?? name
  return watch(session, id, wait, await eventsOf(session, id), true)
}

/**
 * @param known events before; where they could not be read, those of the first look that succeeds count as such,
 * for nothing tells whether they are old or new
 * @param believed a final state counts without an event that tells the same
 */
async function watch(
  session: AwsSession,
  id: string,
  wait: WaitOptions,
  known: StackEvent[] | undefined,
  believed: boolean,
): Promise<Followed> {
  let seen = known && idsOf(known)
  const failures: StackEvent[] = []
  let told: string | undefined
  const started = Date.now()
  for (let looks = 1; Date.now() - started < MAX_WAIT_MS; looks++) {
    const stack = await describeStack(session, id)
    const events = await eventsOf(session, id)
    seen ??= events && idsOf(events)
    for (const event of events ?? []) {
      if (event.EventId === undefined || seen?.has(event.EventId)) {
        continue
      }
      seen?.add(event.EventId)
      if (
        /_FAILED$/.test(event.ResourceStatus ?? '') &&
        !/cancelled/i.test(event.ResourceStatusReason ?? '')
      ) {
        failures.push(event)
      }
      if (event.ResourceType === STACK_TYPE && isFinal(event.ResourceStatus)) {
        told = event.ResourceStatus
      }
      wait.onEvent(event)
    }
    if (stack === undefined) {
      return { stack, failures }
    }
    const { StackStatus: status } = stack
    if (isFinal(status) && (believed || told === status || looks >= LOOKS_WITHOUT_EVENT)) {
      return { stack, failures }
    }
    await pause(wait)
  }
  throw timedOut(id)
}

/** @throws BoxletError DEPLOY_FAILED with the first reason, unless the stack is ready */
export function ready(session: AwsSession, name: string, { stack, failures }: Followed): Stack {
  if (stack === undefined) {
    throw new BoxletError('DEPLOY_FAILED', `Expected the stack ${name} but it has gone.`)
  }
  const status = stack.StackStatus ?? ''
  if (status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE') {
    return stack
  }
  const first = failures[0]
  const reason =
    first === undefined
      ? (stack.StackStatusReason ?? status)
      : `${first.LogicalResourceId}: ${first.ResourceStatusReason}`
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the stack ${name} to be ready but it is ${status}: ${reason.replace(/\.$/, '')}.`,
    {
      hint: HINTS[status]?.(session, name) ?? 'See the events of the stack in the console of CloudFormation.',
      details: { status },
    },
  )
}

const HINTS: Record<string, (session: AwsSession, name: string) => string> = {
  UPDATE_ROLLBACK_COMPLETE: () => 'CloudFormation took everything back; the service is as it was before.',
  ROLLBACK_COMPLETE: (session, name) =>
    `CloudFormation took everything back. The next "${commandFor(session, 'deploy', name)}" starts afresh.`,
}

/** Deletes a stack; goes on with a deletion that is under way, and tries one that failed again. */
export async function deleteStack(session: AwsSession, name: string, wait: WaitOptions): Promise<void> {
  const { DeleteStackCommand } = sdk()
  const { stack, failures } = await change(session, name, wait, () =>
    session.cloudFormation.send(new DeleteStackCommand({ StackName: name })).catch((cause) => {
      throw awsFault(`delete the stack ${name}`, cause)
    }),
  )
  if (stack === undefined) {
    return
  }
  const reason = failures[0]?.ResourceStatusReason ?? stack.StackStatusReason ?? 'no reason is given'
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the stack ${name} to go but it is ${stack.StackStatus}: ${reason.replace(/\.$/, '')}.`,
    { hint: 'Run the same command again; what has gone already is passed over.' },
  )
}

export async function pause({ signal, pollMs = POLL_MS }: WaitOptions): Promise<void> {
  try {
    await sleep(pollMs, undefined, { signal })
  } catch (cause) {
    throw new BoxletError('ABORTED', 'Expected to watch the stack to its end but was interrupted.', {
      cause,
      hint: 'CloudFormation goes on by itself. Run the same command again to watch on.',
    })
  }
}

export const timedOut = (name: string): BoxletError =>
  new BoxletError(
    'TIMEOUT',
    `Expected the stack ${name} to become stable within ${MAX_WAIT_MS / 60_000} minutes but it did not.`,
    { hint: 'CloudFormation goes on by itself. Run the same command again to watch on.' },
  )
