import { once } from 'node:events'
import { counted } from '../system/words.ts'
import { jobSettings } from './jobs/work-options.ts'
import { startWorkers, WORKER_OPTIONS } from './jobs/workers.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = { ...WORKER_OPTIONS } as const satisfies Options

export const verb = defineVerb({
  name: 'work',
  summary: 'Work on the jobs of a store until Ctrl-C; any number of machines may share one.',
  options: OPTIONS,
  examples: [
    'boxlet work',
    'boxlet work --store /data/jobs --model yolox-s --policy policy.yaml',
    'boxlet work --store postgres://boxlet@db.example/boxlet',
  ],
  alsoKnownAs: ['worker'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const settings = await jobSettings(values, io.env)
  let done = 0
  const workers = await startWorkers(values, settings, io, () => void done++)
  io.stderr.write(`boxlet: working on the jobs in ${workers.jobs.home.name}. Ctrl-C stops it.\n`)
  if (!io.signal.aborted) {
    await once(io.signal, 'abort')
  }
  io.stderr.write('boxlet: finishing what is under way.\n')
  await workers.stop()
  io.stderr.write(`boxlet: ${counted(done, 'picture')} done.\n`)
  return 0
}
