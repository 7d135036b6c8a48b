/** The long form of tests that CI runs short: `npm run soak -- NAME`. */
import { spawnSync } from 'node:child_process'

/** Rounds of the long form, or its pictures, and the file that reads them from BOXLET_TEST_SOAK. */
const RUNS = {
  aws: { rounds: 10_000, file: 'test/aws/jobs/kills.test.ts' },
  checkpoints: { rounds: 20_000, file: 'src/checkpoint/fuzz.test.ts' },
  graphs: { rounds: 20_000, file: 'test/hostile-graphs.test.ts' },
  jobs: { rounds: 20, file: 'test/jobs/kills.test.ts' },
  machines: { rounds: 10_000, file: 'test/jobs/several-machines.test.ts' },
  pictures: { rounds: 300, file: 'src/image/decode/decode-fuzz.test.ts' },
}

const [name = ''] = process.argv.slice(2)
const run = Object.hasOwn(RUNS, name) ? RUNS[name] : undefined
if (run === undefined) {
  process.stderr.write(`Expected one of ${Object.keys(RUNS).join(', ')} but received "${name}".\n`)
  process.exit(2)
}
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', run.file], {
  stdio: 'inherit',
  env: { ...process.env, BOXLET_TEST_SOAK: String(run.rounds) },
})
process.exit(status ?? 1)
