import type { BoxletError } from '../../errors.ts'
import type { Io } from './verb.ts'

/** Prints where a fault came from when BOXLET_DEBUG is set; for people who work on Boxlet or on a family. */
export function tellStack({ cause }: BoxletError, { env, stderr }: Io): void {
  if (env.BOXLET_DEBUG && cause instanceof Error) {
    stderr.write(`${cause.stack}\n`)
  }
}
