import { BoxletError } from '../../errors.ts'
import { errorText } from '../kit/error-text.ts'
import type { ExitCode, Io } from '../kit/verb.ts'

/** One name as an error of the verb; with several, a failure does not stop the rest. */
export async function forEachName(
  inputs: readonly string[],
  format: 'table' | 'json',
  io: Io,
  work: (name: string) => Promise<{ text: string; result: object }>,
): Promise<ExitCode> {
  const names = [...new Set(inputs)]
  const results: object[] = []
  let failed = 0
  for (const name of names) {
    try {
      const { text, result } = await work(name)
      results.push(result)
      if (format === 'table') {
        io.stdout.write(`${text}\n`)
      }
    } catch (error) {
      if (names.length === 1 || !(error instanceof BoxletError) || error.code === 'ABORTED') {
        throw error
      }
      failed++
      results.push({ name, error: error.toJSON() })
      io.stderr.write(`boxlet: ${errorText(error)}\n`)
    }
  }
  if (format === 'json') {
    io.stdout.write(`${JSON.stringify({ models: results }, undefined, 2)}\n`)
  }
  if (failed === 0) {
    return 0
  }
  return failed === names.length ? 3 : 1
}
