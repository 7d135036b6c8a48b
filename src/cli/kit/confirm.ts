import { createInterface } from 'node:readline/promises'
import { BoxletError } from '../../errors.ts'
import { isTerminal } from './terminal.ts'
import type { Io } from './verb.ts'

/**
 * Call before any work whose end is a question.
 *
 * @param flag option that answers beforehand
 * @throws BoxletError USAGE where nobody can answer
 */
export function expectTerminal(io: Io, flag: string): void {
  if (isTerminal(io.stdin)) {
    return
  }
  throw new BoxletError('USAGE', 'Expected an answer on a terminal but there is none.', {
    hint: `Add ${flag} to agree beforehand.`,
  })
}

/**
 * Asks a question on the terminal; only "y" and "yes" agree.
 *
 * @param flag option that answers beforehand
 * @throws BoxletError USAGE where nobody can answer, ABORTED when the input ends or Ctrl-C is pressed
 */
export async function confirm(io: Io, question: string, flag: string): Promise<boolean> {
  expectTerminal(io, flag)
  // The terminal's own line editing: what readline writes for its own would have to pass the guard.
  const terminal = createInterface({ input: io.stdin, output: io.stderr, terminal: false })
  // A question alone would wait for ever once nothing can come any more.
  const closed = new Promise<never>((_, reject) => {
    terminal.once('close', () => reject(new Error('The input has ended.')))
  })
  try {
    const answer = terminal.question(`${question} [y/N] `, { signal: io.signal })
    return /^y(es)?$/i.test((await Promise.race([answer, closed])).trim())
  } catch (cause) {
    throw new BoxletError('ABORTED', 'Expected an answer but was interrupted.', { cause })
  } finally {
    closed.catch(() => {})
    terminal.close()
  }
}
