/**
 * Reads the files that it is told, as `boxlet model inspect` does, and answers each with a line of JSON: exit code,
 * what was said on standard error, and the most memory that this process ever had. Whoever started it holds the clock.
 */
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { main } from '../../dist/cli/main.js'

for await (const path of createInterface({ input: process.stdin })) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  let said = ''
  stdout.resume()
  stderr.on('data', (part) => {
    said += part
  })
  const { signal } = new AbortController()
  const start = performance.now()
  const code = await main(['model', 'inspect', path], {
    stdout,
    stderr,
    stdin: process.stdin,
    env: process.env,
    signal,
  })
  const took = performance.now() - start
  await new Promise((resolve) => setImmediate(resolve))
  const mostBytes = process.resourceUsage().maxRSS * 1024
  process.stdout.write(`${JSON.stringify({ code, said: said.slice(0, 500), took, mostBytes })}\n`)
}
