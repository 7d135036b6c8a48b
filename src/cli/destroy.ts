import { destroy, inventory } from '../aws/deploy/destroy.ts'
import { openSession } from '../aws/deploy/session.ts'
import { readSettings } from './config.ts'
import { confirm } from './confirm.ts'
import { DEFAULT_STACK, optionsAlone, stackName } from './stack-name.ts'
import type { ExitCode, Io, Verb } from './verb.ts'

const OPTIONS = {
  stack: { type: 'string' },
  region: { type: 'string' },
  data: { type: 'boolean' },
  'delete-artefacts': { type: 'boolean' },
  artefacts: { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
} as const

export const verb: Verb = {
  name: 'destroy',
  summary: 'Delete a deployed stack.',
  help: `boxlet destroy [options]

Deletes the stack with all that costs money. Pictures and results in a data bucket, and the keys, are data:
they go only when you say so.

  --stack NAME          name of the stack (default ${DEFAULT_STACK})
  --region R            region (default: AWS_REGION or the profile's)
  --data, --no-data     deletes, or keeps, the data bucket and the keys without asking
  --delete-artefacts    deletes the bucket of packages too, which all stacks in this region share
  --artefacts BUCKET    that bucket, where it is not boxlet-ACCOUNT-REGION
  --yes, -y             does not ask about the stack; data is kept unless --data is given

Examples
  boxlet destroy
  boxlet destroy --stack fridge --data --delete-artefacts --yes
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('destroy', args, OPTIONS, io.env)
  optionsAlone('destroy', positionals)
  const stack = stackName(values.stack)
  const say = (text: string) => io.stderr.write(`boxlet: ${text}\n`)
  const session = await openSession(values.region)
  const found = await inventory(session, stack, values.artefacts)
  if (found === undefined) {
    say(`There is no stack "${stack}" in ${session.region}.`)
    return 0
  }
  if (!values.yes && !(await confirm(io, `Delete the stack "${stack}" in ${session.region}?`, '--yes'))) {
    say('Nothing was deleted.')
    return 3
  }
  const hasData = found.dataBucket !== undefined || found.keysParameter !== undefined
  let deleteData = values.data ?? false
  if (hasData && values.data === undefined && !values.yes) {
    const { dataBucket, keysParameter } = found
    const what = [
      dataBucket === undefined
        ? undefined
        : `the bucket ${dataBucket.name} with ${dataBucket.objects === 1000 ? '1000 or more' : dataBucket.objects} objects`,
      keysParameter === undefined ? undefined : `the keys in ${keysParameter}`,
    ]
    deleteData = await confirm(io, `Delete ${what.filter(Boolean).join(' and ')} too?`, '--data')
  }
  await destroy(session, found, {
    deleteData,
    deleteArtefacts: values['delete-artefacts'] ?? false,
    onStep: say,
    wait: {
      signal: io.signal,
      onEvent: (event) => io.stderr.write(`  ${event.ResourceStatus}  ${event.LogicalResourceId}\n`),
    },
  })
  say(`The stack "${stack}" is gone.`)
  if (found.dataBucket !== undefined && !deleteData) say(`The bucket ${found.dataBucket.name} is kept.`)
  if (found.keysParameter !== undefined && !deleteData) say(`The keys in ${found.keysParameter} are kept.`)
  if (found.artefactBucket !== undefined && !values['delete-artefacts'])
    say(`The bucket of packages ${found.artefactBucket} is kept; --delete-artefacts deletes it.`)
  return 0
}
