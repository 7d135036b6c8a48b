#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (!existsSync(built)) {
  process.stderr.write(
    'boxlet: Expected built code for this checkout but found none. Run "npm run build" first.\n',
  )
  process.exit(3)
}
const { main } = await import(built.href)
const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())
process.once('SIGTERM', () => interrupt.abort())
// A reader that closes early, such as `head`, is not a fault.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  signal: interrupt.signal,
})
