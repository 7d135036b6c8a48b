#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (!existsSync(built)) {
  process.stderr.write(
    'boxlet: Expected built code for this checkout but found none. Run "npm run build" first.\n',
  )
  process.exit(3)
}
const main = await import(built.href).then(
  (module) => module.main,
  (error) => {
    if (error.code !== 'EMFILE') {
      throw error
    }
    process.stderr.write(
      'boxlet: Expected to open one more file but the process may not have more open. Raise the limit with "ulimit -n 1024". [TOO_MANY_FILES]\n',
    )
    process.exit(3)
  },
)
const interrupt = new AbortController()
// Only the first: a second one ends the process at once, as the system does by default.
process.once('SIGINT', () => interrupt.abort())
process.once('SIGTERM', () => interrupt.abort())
process.stdout.on('error', (error) => {
  // A reader that closes early, such as `head`, is not a fault.
  if (error.code === 'EPIPE') {
    process.exit(0)
  }
  process.stderr.write(
    `boxlet: Expected to write the results but standard output cannot be written (${error.code}). Send them to a disk that has room. [OUTPUT_UNWRITABLE]\n`,
  )
  process.exit(3)
})
// Messages that cannot be written must not stop the work.
process.stderr.on('error', () => {})
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  signal: interrupt.signal,
})
