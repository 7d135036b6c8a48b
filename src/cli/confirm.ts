import { createInterface } from 'node:readline/promises'
import { BoxletError } from '../errors.ts'
import type { Io } from './verb.ts'

/**
 * Asks a question on the terminal; only "y" and "yes" agree.
 *
 * @param flag option that answers beforehand
 * @throws BoxletError USAGE where nobody can answer
 */
export async function confirm(io: Io, question: string, flag: string): Promise<boolean> {
  if (!('isTTY' in io.stdin) || io.stdin.isTTY !== true)
    throw new BoxletError('USAGE', 'Expected an answer on a terminal but there is none.', {
      hint: `Add ${flag} to agree beforehand.`,
    })
  const terminal = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: io.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (cause) {
    throw new BoxletError('ABORTED', 'Expected an answer but was interrupted.', { cause })
  } finally {
    terminal.close()
  }
}
