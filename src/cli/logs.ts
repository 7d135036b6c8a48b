import { formatLogEvent, readLogs } from '../aws/deploy/logs.ts'
import { openSession } from '../aws/deploy/session.ts'
import { describeStack, outputsOf } from '../aws/deploy/stack.ts'
import { BoxletError } from '../errors.ts'
import { readSettings } from './config.ts'
import { DEFAULT_STACK, optionsAlone, stackName, tellMissing } from './stack-name.ts'
import type { ExitCode, Io, Verb } from './verb.ts'

const OPTIONS = {
  stack: { type: 'string' },
  region: { type: 'string' },
  since: { type: 'string' },
  filter: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const verb: Verb = {
  name: 'logs',
  summary: 'Show the logs of a deployed stack.',
  help: `boxlet logs [options]

  --stack NAME          name of the stack (default ${DEFAULT_STACK})
  --region R            region (default: AWS_REGION or the profile's)
  --since T             30s, 10m, 2h, 1d or a date (default 10m)
  --filter PATTERN      filter pattern of CloudWatch Logs, such as ERROR
  --follow, -f          goes on until Ctrl-C
  --format F            text, or json: one event a line as CloudWatch has it (default text)

Examples
  boxlet logs --since 1h --filter ERROR
  boxlet logs --follow
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('logs', args, OPTIONS, io.env)
  optionsAlone('logs', positionals)
  const name = stackName(values.stack)
  const since = parseSince(values.since ?? '10m', Date.now())
  const session = await openSession(values.region)
  const stack = await describeStack(session, name)
  if (stack === undefined) {
    tellMissing(io, name, session.region)
    return 3
  }
  const outputs = outputsOf(stack)
  const groups = [outputs.LogGroupName ?? `/aws/lambda/${name}`]
  if (outputs.DataBucketName !== undefined) groups.push(`/aws/lambda/${name}-worker`)
  await readLogs(session, {
    groups,
    since,
    filter: values.filter,
    follow: values.follow ?? false,
    signal: io.signal,
    onEvent: (event) => {
      const line = values.format === 'json' ? JSON.stringify(event) : formatLogEvent(event)
      if (line !== undefined) io.stdout.write(`${line}\n`)
    },
  })
  return 0
}

/** Milliseconds since the epoch. */
export function parseSince(text: string, now: number): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  const time = match === null ? Date.parse(text) : now - Number(match[1]) * UNITS[match[2]!]!
  if (Number.isNaN(time))
    throw new BoxletError('USAGE', `Expected 30s, 10m, 2h, 1d or a date for --since but received "${text}".`)
  return time
}
