import { commandFor } from '../../aws/deploy/command.ts'
import { destroy, type Inventory, inventory } from '../../aws/deploy/destroy.ts'
import { openSession } from '../../aws/deploy/session.ts'
import { counted } from '../../system/words.ts'
import { confirm, expectTerminal } from '../kit/confirm.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { NAME_THE_STACK, STACK_NAME_OPTIONS, stackName, tellMissing } from './stack-name.ts'

const OPTIONS = {
  ...STACK_NAME_OPTIONS,
  data: {
    type: 'boolean',
    says: 'delete, or keep, the data bucket and the keys without asking',
    group: 'What goes',
    own: true,
    negation: 'both',
  },
  'delete-artefacts': {
    type: 'boolean',
    says: 'delete its packages too, and their bucket when no other stack uses it',
    group: 'What goes',
  },
  artefacts: {
    type: 'string',
    says: 'that bucket',
    group: 'What goes',
    value: 'BUCKET',
    otherwise: 'boxlet-ACCOUNT-REGION',
  },
  yes: {
    type: 'boolean',
    says: 'do not ask about the stack; data is kept unless --data is given',
    group: 'What goes',
    short: 'y',
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'destroy',
  summary: 'Delete a deployed stack.',
  about: `Deletes the stack with everything that costs money. Pictures and results in a data bucket, and the keys,
    are data: they go only when you say so. What an already deleted stack has left can be deleted in the same way.`,
  hint: NAME_THE_STACK,
  options: OPTIONS,
  examples: ['boxlet destroy', 'boxlet destroy --stack fridge --data --delete-artefacts --yes'],
  alsoKnownAs: ['undeploy', 'remove', 'teardown'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
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
    await tellMissing(io, session, stack)
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
