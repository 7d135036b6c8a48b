import { createAccessKey, createBearerKey } from '../api/auth/create-key.ts'
import type { StoredKey } from '../api/auth/key-document.ts'
import { BoxletError } from '../errors.ts'
import { changeKeys, defaultKeyFile, readKeys } from '../server/key-file.ts'
import { readSettings } from './kit/config.ts'
import type { ExitCode, Io, Verb } from './kit/verb.ts'

const OPTIONS = {
  keys: { type: 'string' },
  name: { type: 'string' },
  aws: { type: 'boolean' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

export const verb: Verb = {
  name: 'keys',
  summary: 'Create, list and revoke the keys of the service.',
  help: `boxlet keys create [--aws] [--name NAME]
boxlet keys list
boxlet keys revoke ID

create        makes a key for "Authorization: Bearer KEY" and shows it once; only its hash is kept
create --aws  makes an access key and secret with which unmodified AWS clients sign their requests. The
              secret is kept readable in the key file, since every signature is checked with it.
list          shows identifiers, names and dates, never keys
revoke ID     ends a key; running services notice within a second

  --name NAME     a note of whose key it is (default: none)
  --keys FILE     default ~/.config/boxlet/keys.json, readable by its owner alone
  --format F      text | json (default text)

Examples
  boxlet keys create --name laptop
  boxlet keys create --aws --name "photo importer"
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('keys', args, OPTIONS, io.env)
  const [action, id, ...more] = positionals
  const file = values.keys ?? defaultKeyFile(io.env)
  const json = values.format === 'json'
  if (action === 'create' && id === undefined) {
    return create({ file, name: values.name ?? '', aws: values.aws ?? false, json }, io)
  }
  if (action === 'list' && id === undefined) {
    return list(file, json, io)
  }
  if (action === 'revoke' && id !== undefined && more.length === 0) {
    return revoke(file, id, io)
  }
  throw new BoxletError('USAGE', 'Expected create, list, or revoke with an identifier.', {
    hint: 'Run "boxlet keys --help" for examples.',
  })
}

interface CreateOptions {
  file: string
  name: string
  aws: boolean
  json: boolean
}

async function create({ file, name, aws, json }: CreateOptions, io: Io): Promise<ExitCode> {
  if (name.length > 100) {
    throw new BoxletError('USAGE', 'Expected at most 100 letters for --name.')
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

async function list(file: string, json: boolean, io: Io): Promise<ExitCode> {
  const keys = await readKeys(file)
  const shown = keys.map(({ id, kind, name, created }) => ({ id, kind: KINDS[kind], name, created }))
  if (json) {
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

const KINDS: Record<StoredKey['kind'], string> = { bearer: 'bearer', access: 'aws' }

async function revoke(file: string, id: string, io: Io): Promise<ExitCode> {
  let found = false
  await changeKeys(file, (keys) => {
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
