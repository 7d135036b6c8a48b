/** The Boxlet keys of a stack, in an encrypted SSM parameter; the first ones are made here. */
import { createAccessKey, createBearerKey } from '../../api/auth/create-key.ts'
import { formatKeys, parseKeys, type StoredKey } from '../../api/auth/key-document.ts'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

const ssm = () => loadSdk<typeof import('@aws-sdk/client-ssm')>('@aws-sdk/client-ssm')
const clientFor = ({ region }: AwsSession) => new (ssm().SSMClient)({ region })

/** On what is made for a stack, so that it can be told from what a user has. */
export const STACK_TAG = 'boxlet:stack'

/** What a standard parameter holds. */
const MAX_PARAMETER_BYTES = 4096

export const defaultKeysParameter = (stack: string): string => `/boxlet/${stack}/keys`

/** Keys in the clear, to be shown once: only a hash of the bearer key is kept. */
export interface CreatedKeys {
  bearer: string
  accessKeyId: string
  secretAccessKey: string
}

export interface KeysChoice {
  auth: string | undefined
  parameter: string | undefined
  secret: string | undefined
  /** Makes fresh keys even where there are some. */
  fresh: boolean
}

export interface KeysPlan {
  /** What the stack is to be told. Exactly one place holds the keys, so the other is cleared. */
  parameters: Record<string, string>
  /** SSM parameter whose keys are yet to be made, once the change was agreed to. */
  make: string | undefined
  /** SSM parameter with keys from before that this stack is about to use for the first time. */
  found: string | undefined
}

/**
 * Decides where the keys of a stack are. Makes none yet.
 *
 * @param before parameters of the stack as it stands
 */
export async function planKeys(
  session: AwsSession,
  stack: string,
  choice: KeysChoice,
  before: Record<string, string>,
): Promise<KeysPlan> {
  const { auth, parameter, secret, fresh } = choice
  const usage = (message: string, hint: string) => new BoxletError('USAGE', message, { hint })
  if (parameter !== undefined && secret !== undefined) {
    throw usage(
      'Expected one place for the keys but received two.',
      'Leave --keys-parameter or --keys-secret out.',
    )
  }
  const named = parameter ?? secret
  const option = parameter ? '--keys-parameter' : secret ? '--keys-secret' : '--new-keys'
  if (auth === 'iam' && (named !== undefined || fresh)) {
    throw usage(
      `Expected --auth keys for ${option} but received --auth iam.`,
      `Leave ${option} out, or --auth.`,
    )
  }
  const usesKeys = auth === 'keys' || named !== undefined || (auth === undefined && before.Auth === 'keys')
  const keptSecret = named === undefined ? before.KeysSecretArn || undefined : secret
  if (fresh && (!usesKeys || keptSecret !== undefined)) {
    throw usage(
      'Expected keys in an SSM parameter for --new-keys but this stack has none.',
      keptSecret === undefined
        ? 'Add --auth keys.'
        : 'Keys in a secret are yours to make: "boxlet keys create".',
    )
  }
  if (!usesKeys) {
    return { parameters: auth === undefined ? {} : { Auth: auth }, make: undefined, found: undefined }
  }
  if (keptSecret !== undefined) {
    return {
      parameters: { Auth: 'keys', KeysSecretArn: keptSecret, KeysParameter: '' },
      make: undefined,
      found: undefined,
    }
  }
  const name = parameter ?? (before.KeysParameter || defaultKeysParameter(stack))
  const exists = await hasParameter(session, name)
  const isNew = before.Auth !== 'keys' || before.KeysParameter !== name
  return {
    parameters: { Auth: 'keys', KeysParameter: name, KeysSecretArn: '' },
    make: exists && !fresh ? undefined : name,
    found: exists && !fresh && isNew ? name : undefined,
  }
}

/** Makes a bearer key and a pair for AWS clients, and stores them beside those that are there. */
export async function makeKeys(
  session: AwsSession,
  stack: string,
  name: string,
  kmsKey: string | undefined,
): Promise<CreatedKeys> {
  const now = new Date()
  const bearer = await createBearerKey('deploy', now)
  const access = createAccessKey('deploy', now)
  const there = await readStored(session, name)
  const text = formatKeys([...(there ?? []), bearer.stored, access.stored])
  if (Buffer.byteLength(text) > MAX_PARAMETER_BYTES) {
    throw new BoxletError('USAGE', `Expected room for more keys in the parameter ${name} but it is full.`, {
      hint: 'Remove keys that nobody uses from it.',
    })
  }
  await putParameter(session, name, text, { stack: there === undefined ? stack : undefined, kmsKey })
  return { bearer: bearer.key, accessKeyId: access.stored.id, secretAccessKey: access.secret }
}

/** undefined when the parameter does not exist. */
async function readStored(session: AwsSession, Name: string): Promise<StoredKey[] | undefined> {
  let text: string | undefined
  try {
    const command = new (ssm().GetParameterCommand)({ Name, WithDecryption: true })
    text = (await clientFor(session).send(command)).Parameter?.Value
  } catch (error) {
    if (sdkFault(error).name === 'ParameterNotFound') {
      return undefined
    }
    throw awsFault(`give out the keys in ${Name}`, error)
  }
  return parseKeys(text, `the parameter ${Name}`)
}

/** True when the parameter exists. */
export async function hasParameter(session: AwsSession, Name: string): Promise<boolean> {
  try {
    await clientFor(session).send(new (ssm().GetParameterCommand)({ Name }))
    return true
  } catch (error) {
    if (sdkFault(error).name === 'ParameterNotFound') {
      return false
    }
    throw awsFault(`tell whether the parameter ${Name} exists`, error)
  }
}

/**
 * Stores keys encrypted.
 *
 * @param stack for which the parameter is made; undefined adds to one that is there. Never both: keys that appear
 * in between would be lost, and SSM takes no tags for what it replaces
 */
async function putParameter(
  session: AwsSession,
  Name: string,
  Value: string,
  { stack, kmsKey }: { stack: string | undefined; kmsKey: string | undefined },
): Promise<void> {
  const command = new (ssm().PutParameterCommand)({
    Name,
    Value,
    Type: 'SecureString',
    ...(stack === undefined ? { Overwrite: true } : { Tags: [{ Key: STACK_TAG, Value: stack }] }),
    ...(kmsKey === undefined || kmsKey === '' ? {} : { KeyId: kmsKey }),
  })
  try {
    await clientFor(session).send(command)
  } catch (cause) {
    throw awsFault(`store the keys in ${Name}`, cause)
  }
}

export async function deleteParameter(session: AwsSession, Name: string): Promise<void> {
  try {
    await clientFor(session).send(new (ssm().DeleteParameterCommand)({ Name }))
  } catch (error) {
    if (sdkFault(error).name !== 'ParameterNotFound') {
      throw awsFault(`delete the parameter ${Name}`, error)
    }
  }
}
