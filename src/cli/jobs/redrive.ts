import { counted } from '../../system/words.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { openExisting } from './open-store.ts'

const OPTIONS = { ...WHERE_OPTIONS } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs redrive',
  summary: 'Retry all dead letters, once their cause has been fixed.',
  options: OPTIONS,
  examples: ['boxlet jobs redrive'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  const { pictures, webhooks } = await jobs.client.redrive()
  io.stderr.write(
    `boxlet: ${counted(pictures, 'picture')} and ${counted(webhooks, 'webhook')} queued again.\n`,
  )
  return 0
}
