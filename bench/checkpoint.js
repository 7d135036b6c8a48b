// What converting a PyTorch checkpoint takes as a whole process: time, time of the processor, peak of memory, size of what
// is written. Where others use the machine, the time of the processor tells more than the other.
//
//   npm run build && node bench/checkpoint.js best.pt [more.pt ...]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const RUNS = 5
const BOXLET = join(import.meta.dirname, '../bin/boxlet.js')
/** The child tells its own peak and processor time; no tool of the system is needed. */
const TELL_USAGE = `data:text/javascript,${encodeURIComponent(`process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  process.stderr.write('\\nusage ' + maxRSS + ' ' + (userCPUTime + systemCPUTime) + '\\n')
})`)}`

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
  const median = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[Math.floor(RUNS / 2)]
  const peak = Math.max(...runs.map((run) => run.peak))
  console.log(
    `${basename(file)}: ${median('seconds').toFixed(2)} s, processor ${median('processor').toFixed(2)} s (medians of ${RUNS}), peak ${peak.toFixed(0)} MiB, writes ${written.toFixed(0)} MiB (${(peak / written).toFixed(2)} times)`,
  )
}
rmSync(folder, { recursive: true })

/** @returns {{ seconds: number, processor: number, peak: number }} */
function convert(file, out) {
  const started = performance.now()
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--import', TELL_USAGE, BOXLET, 'convert', file, '--out', out, '--force'],
    { encoding: 'utf8' },
  )
  const seconds = (performance.now() - started) / 1000
  if (status !== 0) {
    throw new Error(stderr)
  }
  const [, peak, microseconds] = /^usage (\d+) (\d+)$/m.exec(stderr)
  return { seconds, processor: microseconds / 1e6, peak: peak / 1024 }
}
