import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import type { FoundView } from '../../jobs/view.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { pictureLine } from './job-text.ts'
import { openExisting } from './open-store.ts'
import { queryOf } from './query.ts'

export const SEARCH_OPTIONS = {
  label: {
    type: 'string',
    says: 'a label that must be there; all of several',
    group: 'What to find',
    value: 'NAME',
    multiple: true,
    own: true,
  },
  'min-score': {
    type: 'number',
    says: 'score threshold of the objects that count',
    group: 'What to find',
    value: 'S',
    min: 0,
    max: 1,
    own: true,
  },
  count: {
    type: 'string',
    says: 'objects of each label, such as 2, ">=2" or "<3"',
    group: 'What to find',
    value: 'N',
    own: true,
  },
  without: {
    type: 'string',
    says: 'a label that must not be there; none of several',
    group: 'What to find',
    value: 'NAME',
    multiple: true,
    own: true,
  },
  'model-hash': {
    type: 'string',
    says: 'SHA-256 of the model file, or its beginning',
    group: 'What to find',
    value: 'HEX',
    own: true,
  },
  verdict: {
    type: 'string',
    says: 'what the policy says',
    group: 'What to find',
    value: 'V',
    choices: ['deny', 'review'],
    own: true,
  },
  uncertain: {
    type: 'boolean',
    says: 'only pictures with a score in doubt',
    group: 'What to find',
    own: true,
  },
  since: {
    type: 'string',
    says: 'done on this day or later',
    group: 'What to find',
    value: 'DATE',
    own: true,
  },
  until: { type: 'string', says: 'done before this day', group: 'What to find', value: 'DATE', own: true },
} as const satisfies Options

export const searchQuery = (values: Partial<Settings<typeof SEARCH_OPTIONS>>): URLSearchParams =>
  queryOf({
    label: values.label,
    minScore: values['min-score'],
    count: values.count,
    without: values.without,
    model: values['model-hash'],
    verdict: values.verdict,
    uncertain: values.uncertain,
    since: values.since,
    until: values.until,
  })

const OPTIONS = {
  ...SEARCH_OPTIONS,
  limit: {
    type: 'number',
    says: 'most pictures',
    group: 'Output',
    integer: true,
    min: 1,
    max: 100_000,
    default: JOB_DEFAULTS.pageSize,
    own: true,
  },
  ...WHERE_OPTIONS,
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'jobs search',
  summary: 'Find pictures by what was found in them, newest first.',
  options: OPTIONS,
  exits: '0 something was found, 1 nothing was, 2 wrong usage, 3 nothing could be done.',
  examples: [
    'boxlet jobs search --label dog --min-score 0.6 --count ">=2"',
    'boxlet jobs search --label car --without person --since 2026-11-01',
    'boxlet jobs search --verdict deny',
  ],
  alsoKnownAs: ['find', 'query'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  const query = searchQuery(values)
  query.set('limit', String(Math.min(values.limit, JOB_DEFAULTS.mostPageSize)))
  const found: FoundView[] = []
  let models = {}
  let count = 0
  for await (const page of jobs.client.allFound(query)) {
    const pictures = page.pictures.slice(0, values.limit - count)
    count += pictures.length
    if (values.format === 'json') {
      found.push(...pictures)
      models = { ...models, ...page.models }
    } else {
      io.stdout.write(pictures.map((each) => `${each.job}/${each.n}  ${pictureLine(each)}\n`).join(''))
    }
    if (count >= values.limit || io.signal.aborted) {
      break
    }
  }
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify({ pictures: found, models }, undefined, 2)}\n`)
  } else if (count === 0) {
    io.stderr.write('boxlet: nothing was found.\n')
  }
  return count > 0 ? 0 : 1
}
