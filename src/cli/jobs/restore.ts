import { restore } from '../../local/backup.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { folderOf, STORE_OPTION } from './open-store.ts'

const OPTIONS = { ...STORE_OPTION } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs restore',
  summary: 'Make a store out of a backup, where there is none.',
  inputs: { usage: 'DIR', noun: 'backup', least: 1, most: 1, completes: 'folder' },
  options: OPTIONS,
  examples: ['boxlet jobs restore /backup/jobs-2026-12-01 --store /data/jobs'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const folder = folderOf(values, io.env)
  await restore(inputs[0]!, folder)
  io.stderr.write(`boxlet: the store in ${folder} is that of the backup.\n`)
  return 0
}
