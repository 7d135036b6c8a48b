import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { jobTable } from './job-text.ts'
import { openExisting } from './open-store.ts'
import { queryOf } from './query.ts'

const OPTIONS = {
  state: {
    type: 'string',
    says: 'only these states, separated by commas: queued, running, succeeded, failed, cancelled',
    group: 'What to list',
    value: 'A,B',
    own: true,
  },
  batch: { type: 'string', says: 'only this batch', group: 'What to list', value: 'NAME', own: true },
  since: {
    type: 'string',
    says: 'submitted on this day or later',
    group: 'What to list',
    value: 'DATE',
    own: true,
  },
  until: {
    type: 'string',
    says: 'submitted before this day',
    group: 'What to list',
    value: 'DATE',
    own: true,
  },
  limit: {
    type: 'number',
    says: 'most jobs',
    group: 'What to list',
    integer: true,
    min: 1,
    max: JOB_DEFAULTS.mostPageSize,
    default: JOB_DEFAULTS.pageSize,
    own: true,
  },
  cursor: { type: 'string', says: 'go on after the last list', group: 'What to list', value: 'C', own: true },
  ...WHERE_OPTIONS,
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'jobs list',
  summary: 'List jobs, newest first.',
  options: OPTIONS,
  examples: [
    'boxlet jobs list',
    'boxlet jobs list --state queued,running',
    'boxlet jobs list --batch holidays',
  ],
  alsoKnownAs: ['ls', 'status'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  const { state, batch, since, until, limit, cursor } = values
  const page = await jobs.client.list(queryOf({ state, batch, since, until, limit, cursor }))
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify(page, undefined, 2)}\n`)
    return 0
  }
  if (page.jobs.length === 0) {
    io.stderr.write('boxlet: no jobs.\n')
  } else {
    io.stdout.write(jobTable(page.jobs))
  }
  if (page.cursor !== undefined) {
    io.stderr.write(`boxlet: more with --cursor ${page.cursor}\n`)
  }
  return 0
}
