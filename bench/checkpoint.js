// What converting a PyTorch checkpoint takes as a whole process: time, peak of memory, size of what is written.
//
//   npm run build && node bench/checkpoint.js best.pt [more.pt ...]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const RUNS = 5
const BOXLET = join(import.meta.dirname, '../bin/boxlet.js')
/** The child tells its own peak; no tool of the system is needed. */
const TELL_PEAK =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("\\npeak "+process.resourceUsage().maxRSS+"\\n"))'

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('usage: node bench/checkpoint.js best.pt [more.pt ...]')
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
for (const file of files) {
  const out = join(folder, 'out.onnx')
  const runs = Array.from({ length: RUNS }, () => convert(file, out))
  const written = statSync(out).size / 2 ** 20
  const median = runs.map(({ seconds }) => seconds).sort((a, b) => a - b)[Math.floor(RUNS / 2)]
  const peak = Math.max(...runs.map((run) => run.peak))
  console.log(
    `${basename(file)}: ${median.toFixed(2)} s (median of ${RUNS}), peak ${peak.toFixed(0)} MiB, writes ${written.toFixed(0)} MiB (${(peak / written).toFixed(2)} times)`,
  )
}
rmSync(folder, { recursive: true })

/** @returns {{ seconds: number, peak: number }} */
function convert(file, out) {
  const started = performance.now()
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--import', TELL_PEAK, BOXLET, 'convert', file, '--out', out, '--force'],
    { encoding: 'utf8' },
  )
  const seconds = (performance.now() - started) / 1000
  if (status !== 0) {
    throw new Error(stderr)
  }
  return { seconds, peak: Number(/^peak (\d+)$/m.exec(stderr)[1]) / 1024 }
}
