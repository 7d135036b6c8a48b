import { backUp } from '../../local/backup.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { expectStore, openFolder, STORE_OPTION } from './open-store.ts'

const OPTIONS = { ...STORE_OPTION } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs backup',
  summary: 'Copy a store as it is now, while others work with it.',
  inputs: { usage: 'DIR', noun: 'folder that is not there yet', least: 1, most: 1, completes: 'folder' },
  options: OPTIONS,
  examples: ['boxlet jobs backup /backup/jobs-2026-12-01'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await expectStore(values.store)
  const home = await openFolder(values, io.env)
  try {
    await backUp(home, inputs[0]!)
    io.stderr.write(`boxlet: the store is copied to ${inputs[0]}, which is a store itself.\n`)
    return 0
  } finally {
    await home.close()
  }
}
