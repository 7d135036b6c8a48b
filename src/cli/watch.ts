import { once } from 'node:events'
import type { JobOptions } from '../jobs/job.ts'
import { counted } from '../system/words.ts'
import { jobSettings } from './jobs/work-options.ts'
import { startWorkers, WORKER_OPTIONS } from './jobs/workers.ts'
import { detectOptions, KEPT_DETECTION_OPTIONS } from './kit/detection-options.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  ...KEPT_DETECTION_OPTIONS,
  beside: {
    type: 'boolean',
    says: 'write each result beside its picture too, as NAME.json',
    group: 'Jobs',
    own: true,
  },
  ...WORKER_OPTIONS,
} as const satisfies Options

export const verb = defineVerb({
  name: 'watch',
  summary: 'Detect in each new picture of a folder, until Ctrl-C.',
  about: `A picture is taken when it is written whole: its size is still, and it has the end of its format. Hidden
    files and links are left alone. A file that is replaced is a new picture; after a restart nothing is done twice.
    Results are asked for with "boxlet jobs".`,
  inputs: { usage: 'FOLDER...', noun: 'folder', least: 1, completes: 'folder' },
  options: OPTIONS,
  examples: ['boxlet watch inbox/', 'boxlet watch scans/ --beside --model yolox-s'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const detect = detectOptions(values)
  const options: JobOptions = Object.keys(detect).length > 0 ? { detect } : {}
  const settings = {
    ...(await jobSettings(values, io.env)),
    watch: inputs.map((folder) => ({ folder, beside: values.beside ?? false, options })),
  }
  let done = 0
  const workers = await startWorkers(values, settings, io, () => void done++)
  io.stderr.write(
    `boxlet: watching ${inputs.join(', ')}; results are in ${workers.jobs.home.name}. Ctrl-C stops it.\n`,
  )
  if (!io.signal.aborted) {
    await once(io.signal, 'abort')
  }
  io.stderr.write('boxlet: finishing what is under way.\n')
  await workers.stop()
  io.stderr.write(`boxlet: ${counted(done, 'picture')} done.\n`)
  return 0
}
