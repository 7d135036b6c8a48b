import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { jobTable } from './job-text.ts'

const OPTIONS = { ...WHERE_OPTIONS, format: FORMAT_OPTION } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs retry',
  summary: 'Try what failed or was cancelled of jobs again.',
  inputs: { usage: 'ID...', noun: 'id of a job', least: 1 },
  options: OPTIONS,
  examples: ['boxlet jobs retry 01kd3v2q8e7x0m4n5p6r7s8t9v'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io)
  const done = []
  for (const id of inputs) {
    done.push(await jobs.client.retry(id))
  }
  io.stdout.write(values.format === 'json' ? `${JSON.stringify(done, undefined, 2)}\n` : jobTable(done))
  return 0
}
