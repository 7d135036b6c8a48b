import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { processMemory } from './process-stats.ts'
import type { RuntimeError } from './runtime-api.ts'

/** Often enough to catch a process that outgrows its memory, rare enough to cost nothing. */
const MEMORY_CHECK_MS = 50

/** Follows a process to its end: what it prints, how much memory it takes, and how it went in Lambda's words. */
export function watchChild(
  child: ChildProcess,
  memoryBytes: number,
  told: { line(line: string): void; end(error: RuntimeError): void },
): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) {
      createInterface(stream).on('line', told.line)
    }
  }
  let tooLarge = false
  const check = setInterval(() => {
    const now = child.pid === undefined ? undefined : processMemory(child.pid)
    if ((now?.rss ?? 0) <= memoryBytes) {
      return
    }
    tooLarge = true
    child.kill('SIGKILL')
  }, MEMORY_CHECK_MS)
  check.unref()
  child.once('error', (error) => {
    clearInterval(check)
    told.end({ errorType: 'Runtime.InvalidEntrypoint', errorMessage: error.message })
  })
  child.once('exit', (code, signal) => {
    clearInterval(check)
    if (tooLarge) {
      return told.end({
        errorType: 'Runtime.OutOfMemory',
        errorMessage: 'Runtime exited with error: signal: killed',
      })
    }
    const how = signal === null ? `exit status ${code}` : `signal: ${signal}`
    told.end({ errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: ${how}` })
  })
}
