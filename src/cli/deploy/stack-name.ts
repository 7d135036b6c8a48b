import type { AwsSession } from '../../aws/deploy/session.ts'
import { boxletStacks } from '../../aws/deploy/stack.ts'
import { BoxletError } from '../../errors.ts'
import type { Options } from '../kit/option-spec.ts'
import type { Io } from '../kit/verb.ts'

/** Lower case, since buckets and paths are made from it. */
const STACK_NAME = /^[a-z][a-z0-9-]*$/
/** What CloudFormation and Lambda take, for stacks that are there already. */
const MAX_NAME = 63
/** Functions have at most 64 letters, and the one that works on pictures of a bucket is called NAME-worker. */
export const MAX_NEW_NAME = 57
const DEFAULT_STACK = 'boxlet'

export function stackName(given: string | undefined, longest = MAX_NAME): string {
  const name = given ?? DEFAULT_STACK
  if (name.length > longest) {
    throw new BoxletError(
      'USAGE',
      `Expected at most ${longest} characters for --stack but received ${name.length}: "${name}".`,
      { hint: 'The function is named after its stack, and AWS takes no longer name.' },
    )
  }
  if (STACK_NAME.test(name)) {
    return name
  }
  throw new BoxletError(
    'USAGE',
    `Expected lower-case letters, digits and hyphens for --stack but received "${name}".`,
  )
}

/** Which stack a verb is about. */
export const STACK_NAME_OPTIONS = {
  stack: {
    type: 'string',
    says: 'name of the stack',
    group: 'Stack',
    value: 'NAME',
    otherwise: DEFAULT_STACK,
    alsoKnownAs: ['stack-name'],
  },
  region: {
    type: 'string',
    says: 'AWS region',
    group: 'Stack',
    value: 'R',
    otherwise: "AWS_REGION or the profile's",
  },
} as const satisfies Options

/** What a person is told who gave a word without an option. */
export const NAME_THE_STACK = 'Name the stack with --stack.'

/** Says that there is no such stack, and which there are: who may not list them is told without. */
export async function tellMissing(io: Io, session: AwsSession, name: string): Promise<void> {
  const there = await boxletStacks(session, io.signal).catch(() => [])
  const others =
    there.length === 0
      ? 'Name another with --stack, or its region with --region.'
      : `Boxlet's stacks there are ${there.join(', ')}: name one with --stack, or another region with --region.`
  io.stderr.write(`boxlet: There is no stack "${name}" in ${session.region}. ${others}\n`)
}
