import type { AwsSession } from './session.ts'

/**
 * A command to copy, which hits the stack at hand: the default one, or that of another region, may belong to
 * somebody else.
 */
export function commandFor(
  { givenRegion }: Pick<AwsSession, 'givenRegion'>,
  verb: string,
  stack: string,
  ...more: string[]
): string {
  const region = givenRegion === undefined ? [] : ['--region', givenRegion]
  return ['boxlet', verb, '--stack', stack, ...region, ...more].join(' ')
}
