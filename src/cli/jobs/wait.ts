import { BoxletError } from '../../errors.ts'
import { isFinal } from '../../jobs/job.ts'
import { counted } from '../../system/words.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { type Connection, connect, WHERE_OPTIONS } from './connect.ts'
import { follow } from './follow.ts'
import { JOB_MODEL_OPTION, modelsFor } from './job-model.ts'
import { jobDetails } from './job-text.ts'
import { openExisting } from './open-store.ts'
import { queryOf } from './query.ts'
import { waitCommand } from './wait-command.ts'
import { jobSettings } from './work-options.ts'
import { startWorkers, WORKER_OPTIONS, type Workers } from './workers.ts'

export const WAIT_OPTIONS = {
  work: {
    type: 'boolean',
    says: 'leave the work to other processes on this store, such as "boxlet serve"',
    group: 'Where',
    negation: 'no',
    own: true,
  },
  ...WORKER_OPTIONS,
  model: JOB_MODEL_OPTION,
  ...WHERE_OPTIONS,
  format: FORMAT_OPTION,
} as const satisfies Options

const OPTIONS = {
  batch: { type: 'string', says: 'all jobs of this batch', value: 'NAME', own: true },
  ...WAIT_OPTIONS,
} as const satisfies Options

export const verb = defineVerb({
  name: 'jobs wait',
  summary: 'Wait until jobs have ended, and on a store of this machine, do their work.',
  inputs: { usage: '[ID...]', noun: 'id of a job', least: 0 },
  options: OPTIONS,
  exits:
    '0 all pictures succeeded, 1 some failed or were cancelled, or Ctrl-C ended the waiting, 2 wrong usage, 3 nothing could be done.',
  examples: ['boxlet jobs wait 01kd3v2q8e7x0m4n5p6r7s8t9v', 'boxlet jobs wait --batch holidays'],
  alsoKnownAs: ['watch-job', 'attach'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  const ids = [...inputs, ...(values.batch === undefined ? [] : await idsOf(jobs, values.batch))]
  if (ids.length === 0) {
    throw new BoxletError('USAGE', 'Expected the id of a job, or --batch, but received neither.')
  }
  return await waitFor(jobs, ids, values, io)
}

async function idsOf({ client }: Connection, batch: string): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.list(queryOf({ batch, limit: 500, cursor }))
    ids.push(...page.jobs.map(({ id }) => id))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
}

/** Waits, works meanwhile where the store is here, and prints what came of it. */
export async function waitFor(
  jobs: Connection,
  ids: readonly string[],
  values: Settings<typeof WAIT_OPTIONS>,
  io: Io,
): Promise<ExitCode> {
  let workers: Workers | undefined
  if (jobs.local !== undefined && values.work !== false) {
    const { service, tenant } = jobs.local
    const all = await Promise.all(ids.map((id) => service.get(tenant, id)))
    const open = all.filter(({ state }) => !isFinal(state))
    if (open.length > 0) {
      const models = modelsFor(open, values)
      workers = await startWorkers({ ...values, ...models }, await jobSettings(values, io.env), io)
    }
  }
  try {
    const { stopped } = await follow(jobs.client, ids, io)
    const details = await Promise.all(ids.map((id) => jobs.client.show(id)))
    io.stdout.write(
      values.format === 'json'
        ? `${JSON.stringify(details, undefined, 2)}\n`
        : details.map(jobDetails).join('\n'),
    )
    const failed = details.reduce((sum, { counts }) => sum + counts.failed, 0)
    if (failed > 0) {
      const ids = details.filter(({ counts }) => counts.failed > 0).map(({ id }) => id)
      io.stderr.write(`boxlet: ${counted(failed, 'picture')} failed; see "boxlet jobs show ${ids[0]}".\n`)
    }
    const cancelled = details.filter(({ state }) => state === 'cancelled')
    if (cancelled.length > 0) {
      const names = cancelled.map(({ id }) => id).join(' ')
      io.stderr.write(`boxlet: cancelled jobs go on with "boxlet jobs retry ${names}".\n`)
    }
    if (stopped) {
      io.stderr.write(`boxlet: nothing is lost; go on with:\n  ${waitCommand(ids, values, WAIT_OPTIONS)}\n`)
    }
    return failed > 0 || stopped || cancelled.length > 0 ? 1 : 0
  } finally {
    await workers?.stop()
  }
}
