import { authError } from './auth-error.ts'
import type { Authenticator, AuthRequest, Principal } from './authenticator.ts'
import { constantTimeEqual, sha256Hex } from './crypto.ts'
import { BEARER_KEY, type KeyStore } from './key-store.ts'
import { isSigned } from './signed-request.ts'
import { SignatureVerifier } from './sigv4.ts'

/** Lets in callers with a bearer key, or with an access key that signs as AWS clients do. */
export function keyAuthenticator(keys: KeyStore, now: () => number = Date.now): Authenticator {
  const signatures = new SignatureVerifier(keys, now)
  return {
    async precheck(head) {
      const authorization = head.headers.get('authorization') ?? ''
      if (isSigned(authorization)) {
        return signatures.precheck(authorization, head)
      }
      return { id: (await bearer(keys, head.headers)).id, isProven: true }
    },
    async authenticate(request: AuthRequest) {
      const authorization = request.headers.get('authorization') ?? ''
      if (isSigned(authorization)) {
        return signatures.verify(authorization, request)
      }
      return bearer(keys, request.headers)
    },
    answered: (request, status) => signatures.answered(request, status),
  }
}

async function bearer(keys: KeyStore, headers: ReadonlyMap<string, string>): Promise<Principal> {
  const authorization = headers.get('authorization')
  const given =
    authorization === undefined
      ? headers.get('x-api-key')
      : (/^bearer +(.+)$/i.exec(authorization)?.[1] ?? basicKey(authorization))
  if (given === undefined) {
    throw authError(
      'MissingAuthenticationTokenException',
      'Missing Authentication Token: send a key or sign the request.',
    )
  }
  const id = BEARER_KEY.exec(given)?.[1]
  const key = id === undefined ? undefined : await keys.bearer(id)
  const hash = await sha256Hex(given)
  // An unknown key is compared too, so that both answers take as long.
  if (!constantTimeEqual(hash, key?.hash ?? '0'.repeat(64)) || key === undefined) {
    throw authError('UnrecognizedClientException', 'The key in the request is not valid.')
  }
  return { id: key.id, kind: 'bearer' }
}

/** Longer ones hold no key; a bound keeps the decoding cheap. */
const MOST_BASIC_LETTERS = 1_024

/** The key as the password of basic credentials, for programs whose settings know a name and a password alone. */
function basicKey(authorization: string): string | undefined {
  const letters = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (letters === undefined || letters.length > MOST_BASIC_LETTERS || letters.length % 4 === 1) {
    return undefined
  }
  const text = atob(letters)
  return text.slice(text.indexOf(':') + 1)
}
