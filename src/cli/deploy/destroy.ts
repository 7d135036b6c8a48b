import { commandFor } from '../../aws/deploy/command.ts'
import { destroy, type Inventory, inventory } from '../../aws/deploy/destroy.ts'
import { openSession } from '../../aws/deploy/session.ts'
import { counted } from '../../system/words.ts'
import { readSettings } from '../kit/config.ts'
import { confirm, expectTerminal } from '../kit/confirm.ts'
import type { ExitCode, Io, Verb } from '../kit/verb.ts'
import { DEFAULT_STACK, optionsAlone, stackName, tellMissing } from './stack-name.ts'

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
  if (!yes) {
    expectTerminal(io, '--yes')
  }
  const session = await openSession(values.region, io.signal)
  const found = await inventory(session, stack, values.artefacts)
  const stands = found?.status !== undefined
  if (!stands) {
    tellMissing(io, stack, session.region)
  }
  if (found === undefined) {
    return 0
  }
  if (stands && !yes && !(await confirm(io, `Delete the stack "${stack}" in ${session.region}?`, '--yes'))) {
    say('Nothing was deleted.')
    return 3
  }
  const left = dataOf(found)
  let deleteData = data ?? false
  const all = left.map(({ what }) => what).join(' and ')
  if (left.length > 0 && data === undefined && !yes) {
    deleteData = await confirm(io, stands ? `Delete ${all} too?` : `It has left ${all}. Delete?`, '--data')
  }
  await destroy(session, found, {
    deleteData,
    deleteArtefacts,
    onStep: say,
    wait: {
      signal: io.signal,
      onEvent: (event) => io.stderr.write(`  ${event.ResourceStatus}  ${event.LogicalResourceId}\n`),
    },
  })
  if (stands) {
    say(`The stack "${stack}" is gone.`)
  }
  const again = (...more: string[]) => commandFor(session, 'destroy', stack, ...more)
  if (!deleteData) {
    for (const { what, it } of left) {
      say(`Kept: ${what}; "${again('--data')}" deletes ${it}.`)
    }
  }
  if (found.foreignKeys !== undefined) {
    say(`Kept: the keys in ${found.foreignKeys}; they were there before the stack.`)
  }
  for (const { what, usedBy } of found.shared) {
    const users = usedBy.length === 1 ? `the stack ${usedBy[0]} uses` : `the stacks ${usedBy.join(', ')} use`
    say(`Kept: ${what}, which ${users}.`)
  }
  const place = values.artefacts === undefined ? [] : ['--artefacts', values.artefacts]
  if (found.artefactBucket !== undefined && !deleteArtefacts) {
    say(
      `Kept: its packages in ${found.artefactBucket}; "${again('--delete-artefacts', ...place)}" deletes them.`,
    )
  }
  return 0
}

interface Left {
  what: string
  it: 'it' | 'them'
}

function dataOf({ dataBucket, keysParameters }: Inventory): Left[] {
  const left: Left[] = []
  if (dataBucket !== undefined) {
    const { name, objects } = dataBucket
    const held = objects === 1000 ? '1000 or more objects' : counted(objects, 'object')
    left.push({ what: `the bucket ${name} with ${held}`, it: 'it' })
  }
  if (keysParameters.length > 0) {
    left.push({ what: `the keys in ${keysParameters.join(' and ')}`, it: 'them' })
  }
  return left
}
