import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import type { AwsSession } from '../../src/aws/deploy/session.ts'

/** By the name of the call, such as `DescribeStacks`. */
export type Answers = Record<string, (input: never) => unknown>

export interface FakeSession {
  session: AwsSession
  /** Names of the calls, oldest first. */
  sent: string[]
}

/** An account that answers what it is told to, for states that an emulator cannot be brought into. */
export function fakeSession(answers: Answers): FakeSession {
  const sent: string[] = []
  const client = {
    send: async (command: { constructor: { name: string }; input: never }) => {
      const name = command.constructor.name.replace(/Command$/, '')
      sent.push(name)
      const answer = answers[name]
      if (answer === undefined) {
        throw new Error(`Nobody answers ${name}.`)
      }
      return answer(command.input)
    },
    config: { credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }) },
  }
  const session = {
    account: '123456789012',
    region: 'eu-west-1',
    caller: 'arn:aws:iam::123456789012:user/me',
    cloudFormation: client,
    s3: client,
  }
  return { session: session as unknown as AwsSession, sent }
}

/** As the SDK raises them. */
export const serviceError = (name: string, status: number): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } })

const ID = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/test/1'

/** A stack that goes through states: one with each look at it, the last one for good. */
export class FakeStack {
  states: (string | undefined)[]
  events: StackEvent[] = []
  more: Partial<Stack>
  /** States after something was started. */
  after: (string | undefined)[] = []

  constructor(states: (string | undefined)[], more: Partial<Stack> = {}) {
    this.states = states
    this.more = more
  }

  start(): void {
    if (this.after.length > 0) {
      this.states = this.after
    }
  }

  tell(status: string, more: Partial<StackEvent> = {}): void {
    this.events.push({
      EventId: String(this.events.length),
      StackId: ID,
      StackName: 'test',
      ResourceType: 'AWS::CloudFormation::Stack',
      LogicalResourceId: 'test',
      ResourceStatus: status as 'CREATE_COMPLETE',
      Timestamp: new Date(),
      ...more,
    })
  }

  readonly answers: Answers = {
    DescribeStacks: () => {
      const state = this.states.length > 1 ? this.states.shift() : this.states[0]
      if (state === undefined) {
        throw new Error('Stack with id test does not exist')
      }
      return { Stacks: [{ StackName: 'test', StackId: ID, StackStatus: state, ...this.more }] }
    },
    DescribeStackEvents: () => ({ StackEvents: [...this.events].reverse() }),
    DeleteStack: () => {
      this.start()
      return {}
    },
    ExecuteChangeSet: () => {
      this.start()
      return {}
    },
    CreateChangeSet: () => ({ Id: 'plan' }),
    DescribeChangeSet: () => ({ Status: 'CREATE_COMPLETE', Changes: [] }),
    DeleteChangeSet: () => ({}),
  }
}
