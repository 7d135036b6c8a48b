import { BoxletError } from '../../errors.ts'
import { changeKeys } from '../../server/key-file.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { KEYS_OPTIONS, keyFile } from './options.ts'

export const verb = defineVerb({
  name: 'keys revoke',
  summary: 'End a key; running services notice within a second.',
  inputs: { usage: 'ID', noun: 'identifier of a key', least: 1, most: 1, hint: 'Run "boxlet keys list".' },
  options: KEYS_OPTIONS,
  examples: ['boxlet keys revoke 3f0c9a'],
  alsoKnownAs: ['delete'],
  run,
})

async function run({ values, inputs }: Call<typeof KEYS_OPTIONS>, io: Io): Promise<ExitCode> {
  const id = inputs[0]!
  let found = false
  await changeKeys(keyFile(values.keys, io.env), (keys) => {
    found = keys.some((key) => key.id === id)
    return keys.filter((key) => key.id !== id)
  })
  if (!found) {
    throw new BoxletError('NOT_FOUND', 'Expected the identifier of a key but there is none of that name.', {
      hint: 'Run "boxlet keys list".',
    })
  }
  io.stderr.write(`boxlet: ${id} is revoked.\n`)
  return 0
}
