import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { jobDetails, pictureLine } from './job-text.ts'
import { openExisting } from './open-store.ts'

const OPTIONS = {
  pictures: { type: 'boolean', says: 'every picture with what was found, not the failures alone', own: true },
  ...WHERE_OPTIONS,
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'jobs show',
  summary: 'Show a job: how far it is, a summary by label, and what failed and why.',
  inputs: { usage: 'ID', noun: 'id of a job', least: 1, most: 1 },
  options: OPTIONS,
  exits: '0 nothing of it has failed, 1 something has, 2 wrong usage, 3 there is no such job.',
  examples: ['boxlet jobs show 01kd3v2q8e7x0m4n5p6r7s8t9v', 'boxlet jobs show ID --pictures --format json'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  const job = await jobs.client.show(inputs[0]!)
  const pages = values.pictures
    ? jobs.client.allPictures(job.id)
    : job.counts.failed > 0
      ? jobs.client.allPictures(job.id, 'failed')
      : undefined
  if (values.format === 'json') {
    const pictures = []
    let models = {}
    for await (const page of pages ?? []) {
      pictures.push(...page.pictures)
      models = { ...models, ...page.models }
    }
    io.stdout.write(`${JSON.stringify({ ...job, pictures, models }, undefined, 2)}\n`)
  } else {
    io.stdout.write(jobDetails(job))
    for await (const page of pages ?? []) {
      io.stdout.write(page.pictures.map((picture) => `  ${pictureLine(picture)}\n`).join(''))
    }
  }
  return job.counts.failed > 0 ? 1 : 0
}
