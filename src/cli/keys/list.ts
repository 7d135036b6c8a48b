import type { StoredKey } from '../../api/auth/key-document.ts'
import { readKeys } from '../../server/key-file.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { KEYS_OPTIONS, keyFile } from './options.ts'

const OPTIONS = {
  ...KEYS_OPTIONS,
  format: { ...FORMAT_OPTION, group: 'Options' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'keys list',
  summary: 'Show identifiers, names and dates, never keys.',
  options: OPTIONS,
  examples: ['boxlet keys list'],
  run,
})

const KINDS: Record<StoredKey['kind'], string> = { bearer: 'bearer', access: 'aws' }

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const keys = await readKeys(keyFile(values.keys, io.env))
  const shown = keys.map(({ id, kind, name, created }) => ({ id, kind: KINDS[kind], name, created }))
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify({ keys: shown })}\n`)
  } else if (shown.length === 0) {
    io.stderr.write('boxlet: There are no keys. Make one with "boxlet keys create".\n')
  } else {
    io.stdout.write(`${'ID'.padEnd(20)}  KIND    CREATED     NAME\n`)
    for (const { id, kind, name, created } of shown) {
      io.stdout.write(`${id.padEnd(20)}  ${kind.padEnd(6)}  ${created.slice(0, 10)}  ${name}\n`)
    }
  }
  return 0
}
