import { once } from 'node:events'
import { counted } from '../../system/words.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { jobSettings } from './work-options.ts'
import { startWorkers, WORKER_OPTIONS } from './workers.ts'

const OPTIONS = { ...WORKER_OPTIONS } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs work',
  summary: 'Work on the jobs of a store until Ctrl-C; several workers may share one store.',
  options: OPTIONS,
  examples: ['boxlet jobs work', 'boxlet jobs work --store /data/jobs --model yolox-s --policy policy.yaml'],
  alsoKnownAs: ['worker', 'run'],
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
