/** Boxlet keys in a deployed function: one JSON document, as `boxlet keys` writes it, in SSM or Secrets Manager. */
import type { Authenticator } from '../../api/auth/authenticator.ts'
import type { AccessKey, BearerKey, KeyStore } from '../../api/auth/key-store.ts'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../sdk.ts'
import type { Environment } from './open-model.ts'

/** A revoked key is refused after at most this long; shorter would ask the store at every request. */
const REFRESH_MS = 60_000

type Read = () => Promise<string | undefined>

/**
 * undefined where IAM checks callers before they come here.
 *
 * @throws BoxletError CONFIG_INVALID, AWS_FAILED: without its keys the function answers nobody
 */
export async function functionAuthenticator(env: Environment): Promise<Authenticator | undefined> {
  if (env.BOXLET_AUTH !== 'keys') return undefined
  const { keyAuthenticator } = await import('../../api/auth/key-authenticator.ts')
  const store = new RemoteKeyStore(reader(env), Date.now)
  await store.load()
  return keyAuthenticator(store)
}

export class RemoteKeyStore implements KeyStore {
  readonly #read: Read
  readonly #now: () => number
  #keys: { bearer: Map<string, BearerKey>; access: Map<string, AccessKey> } | undefined
  #loaded = 0

  constructor(read: Read, now: () => number) {
    this.#read = read
    this.#now = now
  }

  async bearer(id: string): Promise<BearerKey | undefined> {
    return (await this.load()).bearer.get(id)
  }

  async access(id: string): Promise<AccessKey | undefined> {
    return (await this.load()).access.get(id)
  }

  async load(): Promise<{ bearer: Map<string, BearerKey>; access: Map<string, AccessKey> }> {
    if (this.#keys !== undefined && this.#now() - this.#loaded < REFRESH_MS) return this.#keys
    try {
      this.#keys = parseKeys(await this.#read())
      this.#loaded = this.#now()
    } catch (error) {
      // Known keys go on working while the store is away, but for no longer than ten rounds.
      if (this.#keys === undefined || this.#now() - this.#loaded > 10 * REFRESH_MS) throw error
    }
    return this.#keys
  }
}

function parseKeys(text: string | undefined) {
  const bearer = new Map<string, BearerKey>()
  const access = new Map<string, AccessKey>()
  try {
    const { version, keys } = JSON.parse(text ?? '') as { version?: unknown; keys?: Record<string, string>[] }
    if (version !== 1 || !Array.isArray(keys)) throw new Error('another form')
    for (const { kind, id, name = '', hash, secret } of keys) {
      if (typeof id !== 'string') continue
      if (kind === 'bearer' && typeof hash === 'string') bearer.set(id, { id, name, hash })
      if (kind === 'access' && typeof secret === 'string') access.set(id, { id, name, secret })
    }
  } catch (cause) {
    throw new BoxletError('CONFIG_INVALID', 'Expected the stored Boxlet keys but they cannot be read.', {
      cause,
      hint: 'Store the file that "boxlet keys" writes.',
    })
  }
  return { bearer, access }
}

function reader(env: Environment): Read {
  const { BOXLET_KEYS_PARAMETER: parameter, BOXLET_KEYS_SECRET: secret } = env
  if (parameter === undefined && secret === undefined)
    throw new BoxletError('CONFIG_INVALID', 'Expected a place for the Boxlet keys but none is configured.', {
      hint: 'Set BOXLET_KEYS_PARAMETER or BOXLET_KEYS_SECRET.',
    })
  return async () => {
    try {
      return await (parameter === undefined ? readSecret(secret!) : readParameter(parameter))
    } catch (cause) {
      if (cause instanceof BoxletError) throw cause
      throw new BoxletError(
        'AWS_FAILED',
        `Expected the store of the keys but it answered ${sdkFault(cause).name}.`,
        {
          cause,
        },
      )
    }
  }
}

async function readParameter(Name: string): Promise<string | undefined> {
  const { SSMClient, GetParameterCommand } =
    loadSdk<typeof import('@aws-sdk/client-ssm')>('@aws-sdk/client-ssm')
  const { Parameter } = await new SSMClient({}).send(new GetParameterCommand({ Name, WithDecryption: true }))
  return Parameter?.Value
}

/** Only the runtime's own SDK has this client here, so the little that is used is typed by hand. */
interface SecretsManager {
  SecretsManagerClient: new (options: object) => { send(command: object): Promise<{ SecretString?: string }> }
  GetSecretValueCommand: new (input: { SecretId: string }) => object
}

async function readSecret(SecretId: string): Promise<string | undefined> {
  const { SecretsManagerClient, GetSecretValueCommand } = loadSdk<SecretsManager>(
    '@aws-sdk/client-secrets-manager',
  )
  const { SecretString } = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId }))
  return SecretString
}
