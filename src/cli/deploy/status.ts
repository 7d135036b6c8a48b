import { readRecord } from '../../aws/deploy/package-record.ts'
import { openSession } from '../../aws/deploy/session.ts'
import { describeStack, outputsOf, parametersOf } from '../../aws/deploy/stack.ts'
import { PARAMETERS } from '../../aws/template/parameters.ts'
import { alignColumns } from '../../system/words.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { NAME_THE_STACK, STACK_NAME_OPTIONS, stackName, tellMissing } from './stack-name.ts'

const OPTIONS = {
  ...STACK_NAME_OPTIONS,
  format: { ...FORMAT_OPTION, group: 'Stack' },
} as const satisfies Options

/** Parameters that people ask about first. */
const SHOWN = [
  'Architecture',
  'Runtime',
  'MemorySize',
  'Timeout',
  'Auth',
  'KeysParameter',
  'KeysSecretArn',
  'DataBucketName',
  'Watch',
  'ReservedConcurrency',
  'ProvisionedConcurrency',
  'Revision',
]

/** Those, and whatever else was chosen. What is empty is not used. */
function settingsOf(parameters: Record<string, string>): Record<string, string> {
  const chosen = Object.entries(PARAMETERS).filter(
    ([key, { Default }]) => Default !== undefined && (parameters[key] ?? '') !== String(Default),
  )
  const names = new Set([...SHOWN, ...chosen.map(([key]) => key)])
  return Object.fromEntries(
    [...names].map((key) => [key, parameters[key] ?? ''] as const).filter(([, value]) => value !== ''),
  )
}

export const verb = defineVerb({
  name: 'status',
  summary: 'Show a deployed stack: state, model, endpoint, settings.',
  hint: NAME_THE_STACK,
  options: OPTIONS,
  exits: '0 the stack is ready, 1 it is changing or has failed, 2 wrong usage, 3 there is none.',
  examples: ['boxlet status', 'boxlet status --stack fridge --format json'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const name = stackName(values.stack)
  const session = await openSession(values.region, io.signal)
  const stack = await describeStack(session, name, io.signal)
  if (stack === undefined) {
    await tellMissing(io, session, name)
    return 3
  }
  const parameters = parametersOf(stack)
  const model = readRecord(stack)?.model
  const changed = stack.LastUpdatedTime ?? stack.CreationTime
  const reason = stack.StackStatusReason
  const outputs = outputsOf(stack)
  if (values.format === 'json') {
    const document = {
      stack: name,
      region: session.region,
      status: stack.StackStatus,
      reason,
      changed,
      model,
      parameters,
      outputs,
    }
    io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  } else {
    const rows = [
      ['stack', name],
      ['region', session.region],
      ['status', stack.StackStatus ?? ''],
      ...(reason === undefined ? [] : [['reason', reason]]),
      ['changed', changed?.toISOString() ?? ''],
      ...(model === undefined ? [] : [['model', model]]),
      ...Object.entries({ ...outputs, ...settingsOf(parameters) }),
    ]
    io.stdout.write(`${alignColumns(rows).join('\n')}\n`)
  }
  return stack.StackStatus === 'CREATE_COMPLETE' || stack.StackStatus === 'UPDATE_COMPLETE' ? 0 : 1
}
