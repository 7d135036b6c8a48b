import type { Stack } from '@aws-sdk/client-cloudformation'
import { formatLogEvent } from '../../aws/deploy/log-lines.ts'
import { readLogs } from '../../aws/deploy/logs.ts'
import { openSession } from '../../aws/deploy/session.ts'
import { describeStack, outputsOf } from '../../aws/deploy/stack.ts'
import { BoxletError } from '../../errors.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { NAME_THE_STACK, STACK_NAME_OPTIONS, stackName, tellMissing } from './stack-name.ts'

const OPTIONS = {
  ...STACK_NAME_OPTIONS,
  since: {
    type: 'string',
    says: '30s, 10m, 2h, 1d, or a date such as 2026-01-31 or 2026-01-31T18:00Z',
    group: 'Lines',
    value: 'T',
    default: '10m',
  },
  filter: {
    type: 'string',
    says: 'filter pattern of CloudWatch Logs, such as ERROR',
    group: 'Lines',
    value: 'PATTERN',
  },
  follow: { type: 'boolean', says: 'go on until Ctrl-C', group: 'Lines', short: 'f', alsoKnownAs: ['tail'] },
  format: {
    ...FORMAT_OPTION,
    group: 'Lines',
    choices: { text: 'lines for people', json: 'one event per line, as CloudWatch has it' },
  },
} as const satisfies Options

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const verb = defineVerb({
  name: 'logs',
  summary: 'Show the logs of a deployed stack.',
  hint: NAME_THE_STACK,
  options: OPTIONS,
  exits:
    '0 all was shown, or --follow ended by Ctrl-C, 2 wrong usage, 3 there is no such stack or it cannot be read.',
  examples: ['boxlet logs --since 1h --filter ERROR', 'boxlet logs --follow'],
  alsoKnownAs: ['log', 'tail'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const name = stackName(values.stack)
  const since = parseSince(values.since, Date.now())
  const { follow = false, filter } = values
  const session = await openSession(values.region, io.signal)
  const stack = await describeStack(session, name, io.signal)
  if (stack === undefined) {
    await tellMissing(io, session, name)
    return 3
  }
  let shown = 0
  await readLogs(session, {
    groups: logGroupsOf(stack, name),
    since,
    filter,
    follow,
    signal: io.signal,
    onEvent: (event) => {
      const line = values.format === 'json' ? JSON.stringify(event) : formatLogEvent(event)
      if (line === undefined) {
        return
      }
      io.stdout.write(`${line}\n`)
      shown++
    },
    onTrouble: ({ message }) => io.stderr.write(`boxlet: ${message} Trying again.\n`),
  })
  if (shown === 0 && !follow) {
    const matching = filter === undefined ? '' : ` that match "${filter}"`
    io.stderr.write(
      `boxlet: The stack "${name}" has no lines since ${new Date(since).toISOString()}${matching}.\n`,
    )
  }
  return 0
}

/** Outputs are missing until the stack is ready for the first time, and that is when its logs matter. */
function logGroupsOf(stack: Stack, name: string): string[] {
  const bucket = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === 'DataBucketName')
  const main = outputsOf(stack).LogGroupName ?? `/aws/lambda/${name}`
  return bucket?.ParameterValue ? [main, `/aws/lambda/${name}-worker`] : [main]
}

/** Milliseconds since the epoch. */
export function parseSince(text: string, now: number): number {
  const span = /^(\d+)([smhd])$/.exec(text)
  // Other words with a number in them are dates to JavaScript, so that "10" would be a day in 2001.
  const isDate = /^\d{4}-\d{2}-\d{2}/.test(text)
  const time =
    span === null ? (isDate ? Date.parse(text) : Number.NaN) : now - Number(span[1]) * UNITS[span[2]!]!
  if (time >= 0 && time <= now) {
    return time
  }
  const past = time > now ? 'a time in the past, such as ' : ''
  throw new BoxletError(
    'USAGE',
    `Expected ${past}30s, 10m, 2h, 1d or a date such as 2026-01-31 for --since but received "${text}".`,
  )
}
