import { BoxletError } from '../../errors.ts'
import type { Io } from '../kit/verb.ts'

/** Lower case, since buckets and paths are made from it. */
const STACK_NAME = /^[a-z][a-z0-9-]{0,62}$/
export const DEFAULT_STACK = 'boxlet'

export function stackName(given: string | undefined): string {
  const name = given ?? DEFAULT_STACK
  if (STACK_NAME.test(name)) {
    return name
  }
  throw new BoxletError(
    'USAGE',
    `Expected lower-case letters, digits and hyphens for --stack but received "${name}".`,
  )
}

/** A word without an option would be passed over, and the default stack, model or number taken in its place. */
export function optionsAlone(
  verb: string,
  [word]: readonly string[],
  hint = 'Name the stack with --stack.',
): void {
  if (word === undefined) {
    return
  }
  throw new BoxletError('USAGE', `Expected options alone for "boxlet ${verb}" but received "${word}".`, {
    hint,
  })
}

export function tellMissing(io: Io, name: string, region: string): void {
  io.stderr.write(
    `boxlet: There is no stack "${name}" in ${region}. Name another with --stack, or its region with --region.\n`,
  )
}
