/** Boxlet keys in a deployed function: one JSON document, as `boxlet keys` writes it, in SSM or Secrets Manager. */
import type { Authenticator } from '../../api/auth/authenticator.ts'
import type { StoredKey } from '../../api/auth/key-document.ts'
import type { AccessKey, BearerKey, KeyStore } from '../../api/auth/key-store.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import type { Environment } from '../../system/environment.ts'
import { clientOptions, isUnreachable, loadSdk, sdkFault, unreachable } from '../clients/sdk.ts'

/** A revoked key is refused after at most this long; shorter would ask the store at every request. */
const REFRESH_MS = 60_000
/** While the store is away, not every call shall wait for it. */
const RETRY_MS = 10_000
/** Without its keys the function answers nobody, and callers have done nothing wrong. */
const OPERATORS_FAULT = { status: 500 }

type Read = () => Promise<string | undefined>

/**
 * Decides over callers that the platform has not named: with `keys` by their key, else by refusing them. A template
 * always says how callers are checked; a function that does not know must not take strangers for checked ones.
 */
export function functionAuthenticator(env: Environment): Authenticator {
  if (env.BOXLET_AUTH === 'keys') {
    return storedKeys(env)
  }
  const refuse = async (): Promise<never> => {
    throw env.BOXLET_AUTH === 'iam' ? notFromIam() : notConfigured()
  }
  return { precheck: refuse, authenticate: refuse }
}

/** Reads the keys for the first caller that needs them: direct calls do not, and must not wait or fail for them. */
function storedKeys(env: Environment): Authenticator {
  let opening: Promise<Authenticator> | undefined
  const opened = (): Promise<Authenticator> => {
    opening ??= import('../../api/auth/key-authenticator.ts').then(({ keyAuthenticator }) =>
      keyAuthenticator(new RemoteKeyStore(reader(env), Date.now)),
    )
    return opening
  }
  return {
    precheck: async (head) => (await opened()).precheck(head),
    authenticate: async (request) => (await opened()).authenticate(request),
    answered: (request, status) => {
      void opening?.then(({ answered }) => answered?.(request, status))
    },
  }
}

const notFromIam = (): BoxletError =>
  new BoxletError('FORBIDDEN', 'Expected IAM to have checked the caller but the event names nobody.', {
    hint: 'Set the authorisation of the function URL or API to AWS_IAM, or BOXLET_AUTH to keys.',
  })

const notConfigured = (): BoxletError =>
  new BoxletError('FORBIDDEN', 'Expected iam or keys for BOXLET_AUTH but received neither.', {
    hint: 'Say who may call: BOXLET_AUTH=iam, or BOXLET_AUTH=keys and where the keys are.',
  })

export class RemoteKeyStore implements KeyStore {
  readonly #read: Read
  readonly #now: () => number
  #keys: ReadonlyMap<string, StoredKey> | undefined
  #loaded = 0
  #nextRead = 0

  constructor(read: Read, now: () => number) {
    this.#read = read
    this.#now = now
  }

  async bearer(id: string): Promise<BearerKey | undefined> {
    const key = (await this.load()).get(id)
    return key?.kind === 'bearer' ? key : undefined
  }

  async access(id: string): Promise<AccessKey | undefined> {
    const key = (await this.load()).get(id)
    return key?.kind === 'access' ? key : undefined
  }

  async load(): Promise<ReadonlyMap<string, StoredKey>> {
    const now = this.#now()
    // A clock that was set back must not keep a revoked key until it is where it was.
    if (this.#keys !== undefined && now >= this.#loaded && now < this.#nextRead) {
      return this.#keys
    }
    try {
      this.#keys = await keysOf(await this.#read())
      this.#loaded = this.#now()
      this.#nextRead = this.#loaded + REFRESH_MS
    } catch (error) {
      // Known keys go on working while the store is away, but for no longer than ten rounds.
      if (this.#keys === undefined || this.#now() - this.#loaded > 10 * REFRESH_MS) {
        throw error
      }
      this.#nextRead = this.#now() + RETRY_MS
    }
    return this.#keys
  }
}

/** @throws BoxletError CONFIG_INVALID */
async function keysOf(text: string | undefined): Promise<Map<string, StoredKey>> {
  const { parseKeys } = await import('../../api/auth/key-document.ts')
  try {
    return new Map(parseKeys(text, 'the store of this function').map((key) => [key.id, key]))
  } catch (error) {
    const { code, message, hint, cause } = error as BoxletError
    throw new BoxletError(code, message, { cause, details: OPERATORS_FAULT, ...defined({ hint }) })
  }
}

function reader(env: Environment): Read {
  const { BOXLET_KEYS_PARAMETER: parameter, BOXLET_KEYS_SECRET: secret } = env
  if (parameter === undefined && secret === undefined) {
    throw new BoxletError('CONFIG_INVALID', 'Expected a place for the Boxlet keys but none is configured.', {
      hint: 'Set BOXLET_KEYS_PARAMETER or BOXLET_KEYS_SECRET.',
      details: OPERATORS_FAULT,
    })
  }
  return async () => {
    try {
      return await (parameter === undefined ? readSecret(secret!) : readParameter(parameter))
    } catch (cause) {
      if (cause instanceof BoxletError) {
        throw cause
      }
      if (isUnreachable(cause)) {
        throw unreachable('AWS_FAILED', parameter === undefined ? 'Secrets Manager' : 'SSM', cause)
      }
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
  const { Parameter } = await new SSMClient(clientOptions()).send(
    new GetParameterCommand({ Name, WithDecryption: true }),
  )
  return Parameter?.Value
}

/** Lambda's Node runtimes hold every client of the SDK; the little that is used of this one is typed by hand. */
interface SecretsManager {
  SecretsManagerClient: new (options: object) => { send(command: object): Promise<{ SecretString?: string }> }
  GetSecretValueCommand: new (input: { SecretId: string }) => object
}

async function readSecret(SecretId: string): Promise<string | undefined> {
  const { SecretsManagerClient, GetSecretValueCommand } = loadSdk<SecretsManager>(
    '@aws-sdk/client-secrets-manager',
  )
  const { SecretString } = await new SecretsManagerClient(clientOptions()).send(
    new GetSecretValueCommand({ SecretId }),
  )
  return SecretString
}
