import { createAccessKey, createBearerKey } from '../../api/auth/create-key.ts'
import { BoxletError } from '../../errors.ts'
import { changeKeys } from '../../server/key-file.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { KEYS_OPTIONS, keyFile } from './options.ts'

const OPTIONS = {
  aws: {
    type: 'boolean',
    says: 'make an access key and secret, with which unmodified AWS clients sign their requests',
  },
  name: { type: 'string', says: 'a note of whose key it is', value: 'NAME' },
  ...KEYS_OPTIONS,
  format: { ...FORMAT_OPTION, group: 'Options' },
} as const satisfies Options

/** Longer notes break the table of `keys list`. */
const MAX_NAME = 100

export const verb = defineVerb({
  name: 'keys create',
  summary: 'Make a key and show it once.',
  about: `Makes a key for "Authorization: Bearer KEY" and shows it once; only its hash is kept. The secret of an
    AWS key is kept readable in the key file, since every signature is checked with it.`,
  hint: 'Name the key with --name.',
  options: OPTIONS,
  examples: ['boxlet keys create --name laptop', 'boxlet keys create --aws --name "photo importer"'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const { name = '', aws = false } = values
  const file = keyFile(values.keys, io.env)
  const json = values.format === 'json'
  if (name.length > MAX_NAME) {
    throw new BoxletError('USAGE', `Expected at most ${MAX_NAME} letters for --name.`)
  }
  const now = new Date()
  if (aws) {
    const { stored, secret } = createAccessKey(name, now)
    await changeKeys(file, (keys) => [...keys, stored])
    io.stdout.write(
      json
        ? `${JSON.stringify({ id: stored.id, accessKeyId: stored.id, secretAccessKey: secret })}\n`
        : `AWS_ACCESS_KEY_ID=${stored.id}\nAWS_SECRET_ACCESS_KEY=${secret}\n`,
    )
  } else {
    const { stored, key } = await createBearerKey(name, now)
    await changeKeys(file, (keys) => [...keys, stored])
    io.stdout.write(json ? `${JSON.stringify({ id: stored.id, key })}\n` : `${key}\n`)
  }
  if (!json) {
    io.stderr.write('boxlet: This is shown once. Keep it where you keep passwords.\n')
  }
  return 0
}
