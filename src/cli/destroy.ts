import { destroy, type Inventory, inventory } from '../aws/deploy/destroy.ts'
import { openSession } from '../aws/deploy/session.ts'
import { readSettings } from './config.ts'
import { confirm, expectTerminal } from './confirm.ts'
import { DEFAULT_STACK, optionsAlone, stackName, tellMissing } from './stack-name.ts'
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
they go only when you say so. What a stack that has gone already left can be deleted in the same way.

  --stack NAME          name of the stack (default ${DEFAULT_STACK})
  --region R            region (default: AWS_REGION or the profile's)
  --data, --no-data     deletes, or keeps, the data bucket and the keys without asking
  --delete-artefacts    deletes its packages too, and their bucket when no other stack uses it
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
  const { yes = false, data, 'delete-artefacts': deleteArtefacts = false } = values
  if (!yes) expectTerminal(io, '--yes')
  const session = await openSession(values.region, io.signal)
  const found = await inventory(session, stack, values.artefacts)
  const stands = found?.status !== undefined
  if (!stands) tellMissing(io, stack, session.region)
  if (found === undefined) return 0
  if (stands && !yes && !(await confirm(io, `Delete the stack "${stack}" in ${session.region}?`, '--yes'))) {
    say('Nothing was deleted.')
    return 3
  }
  const left = dataOf(found)
  let deleteData = data ?? false
  if (left.length > 0 && data === undefined && !yes)
    deleteData = await confirm(
      io,
      stands ? `Delete ${left.join(' and ')} too?` : `It has left ${left.join(' and ')}. Delete?`,
      '--data',
    )
  await destroy(session, found, {
    deleteData,
    deleteArtefacts,
    onStep: say,
    wait: {
      signal: io.signal,
      onEvent: (event) => io.stderr.write(`  ${event.ResourceStatus}  ${event.LogicalResourceId}\n`),
    },
  })
  if (stands) say(`The stack "${stack}" is gone.`)
  if (!deleteData) for (const what of left) say(`Kept: ${what}; "boxlet destroy --data" deletes it.`)
  for (const { what, usedBy } of found.shared)
    say(
      `Kept: ${what}; the stack${usedBy.length === 1 ? '' : 's'} ${usedBy.join(', ')} use${usedBy.length === 1 ? 's' : ''} it.`,
    )
  if (found.artefactBucket !== undefined && !deleteArtefacts)
    say(`Kept: its packages in ${found.artefactBucket}; "boxlet destroy --delete-artefacts" deletes them.`)
  return 0
}

function dataOf({ dataBucket, keysParameter }: Inventory): string[] {
  const bucket =
    dataBucket &&
    `the bucket ${dataBucket.name} with ${dataBucket.objects === 1000 ? '1000 or more' : dataBucket.objects} objects`
  const keys = keysParameter && `the keys in ${keysParameter}`
  return [bucket, keys].filter((one) => one !== undefined)
}
