import { pruneHome } from '../../jobs/home.ts'
import { counted } from '../../system/words.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { openExisting, STORE_OPTION } from './open-store.ts'

const OPTIONS = { ...STORE_OPTION } as const satisfies Options

export const verb = defineVerb({
  name: 'jobs prune',
  summary: 'Delete expired jobs, and pictures that no job needs; services do so every hour.',
  options: OPTIONS,
  examples: ['boxlet jobs prune'],
  alsoKnownAs: ['clean', 'gc', 'purge'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const home = await openExisting(values, io.env)
  try {
    const { jobs, blobs } = await pruneHome(home)
    io.stderr.write(`boxlet: deleted ${counted(jobs, 'job')} and ${counted(blobs, 'picture')}.\n`)
    return 0
  } finally {
    await home.close()
  }
}
