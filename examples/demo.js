// Detects on a bundled photo and writes an annotated copy: `npm run demo`.
import { main } from '../dist/cli/main.js'

const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  signal: new AbortController().signal,
}
process.exitCode = await main(['detect', 'examples/pictures/coffee.png', '--out', 'boxlet-out'], io)
if (process.exitCode === 0) {
  process.stderr.write('Annotated picture: boxlet-out/coffee.jpg\n')
}
