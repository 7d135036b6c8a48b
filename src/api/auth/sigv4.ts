import { authError } from './auth-error.ts'
import type { AuthHead, AuthRequest, NamedKey, Principal } from './authenticator.ts'
import { constantTimeEqual, sha256Hex, WebSha256 } from './crypto.ts'
import type { AccessKey, KeyStore } from './key-store.ts'
import { ReplayGuard } from './replay-guard.ts'
import { parseAmzDate, parseSigned, type Signed } from './signed-request.ts'

/** AWS gives most services five minutes, to allow for clocks that are off. */
const WINDOW_MS = 5 * 60_000
/** Names under which existing clients sign: Rekognition clients, and those of functions behind a URL or an API. */
const SERVICES: readonly string[] = ['rekognition', 'lambda', 'execute-api', 'boxlet']
/** Put in by CloudFront behind the signer, as before a REST API of the edge kind; nothing here reads it. */
const ADDED_ON_THE_WAY = 'x-amz-cf-id'
/** Clients that number their calls sign the number, so an equal signature is the same call sent again. */
/** Hash of the body, sent ahead; signed like all x-amz headers. */
const BODY_HASH = 'x-amz-content-sha256'
const NO_BODY = new Uint8Array(0)
const CALL_NUMBER = 'amz-sdk-invocation-id'

/**
 * Verifies signature version 4 with Boxlet's own access keys: the signature is made again by the library that
 * AWS's own clients use and compared in constant time. The body is covered by its hash, the time by a window of
 * five minutes to either side, and a signature over a numbered call is accepted once within that window.
 */
export class SignatureVerifier {
  readonly #keys: KeyStore
  readonly #now: () => number
  readonly #replays: ReplayGuard
  readonly #used = new WeakMap<AuthRequest, string>()

  constructor(keys: KeyStore, now: () => number) {
    this.#keys = keys
    this.#now = now
    this.#replays = new ReplayGuard(now)
  }

  /**
   * Checks what needs no body: the form, the key and the time, and the signature itself where the hash of the body was
   * sent ahead. The body has to have that hash, which `verify` sees to.
   */
  async precheck(authorization: string, head: AuthHead): Promise<NamedKey> {
    const signed = parseSigned(authorization)
    const signedAt = this.#checkTime(signed, head.headers)
    checkCoverage(signed, head.headers)
    const key = await this.#key(signed)
    const isProven = head.headers.has(BODY_HASH)
    if (isProven) {
      await checkSignature(signed, signedAt, key, { ...head, body: NO_BODY })
    }
    return { id: key.id, isProven }
  }

  async verify(authorization: string, request: AuthRequest): Promise<Principal> {
    const signed = parseSigned(authorization)
    const signedAt = this.#checkTime(signed, request.headers)
    checkCoverage(signed, request.headers)
    const key = await this.#key(signed)
    await checkBody(request)
    await checkSignature(signed, signedAt, key, request)
    if (signed.signedHeaders.includes(CALL_NUMBER)) {
      if (!this.#replays.admit(signed.signature, signedAt + WINDOW_MS)) {
        throw authError(
          'InvalidSignatureException',
          'The request was received before; each signature is valid once.',
        )
      }
      this.#used.set(request, signed.signature)
    }
    return { id: key.id, kind: 'sigv4' }
  }

  /** A call that was refused for load or failed may come again as it was. */
  answered(request: AuthRequest, status: number): void {
    const signature = this.#used.get(request)
    if (signature !== undefined && (status === 429 || status >= 500)) {
      this.#replays.forget(signature)
    }
  }

  async #key({ accessKeyId }: Signed): Promise<AccessKey> {
    const key = await this.#keys.access(accessKeyId)
    if (key === undefined) {
      throw authError('UnrecognizedClientException', 'The security token included in the request is invalid.')
    }
    return key
  }

  #checkTime(signed: Signed, headers: ReadonlyMap<string, string>): number {
    const text = headers.get('x-amz-date')
    const signedAt = parseAmzDate(text)
    if (signedAt === undefined || !text?.startsWith(signed.date)) {
      throw authError('IncompleteSignatureException', 'Date in Credential scope does not match X-Amz-Date.')
    }
    const age = this.#now() - signedAt
    if (age > WINDOW_MS) {
      throw authError('InvalidSignatureException', 'Signature expired: it is older than 5 minutes.')
    }
    if (age < -WINDOW_MS) {
      throw authError(
        'InvalidSignatureException',
        'Signature not yet current: the clock of the client is ahead.',
      )
    }
    return signedAt
  }
}

/** What is not signed could be changed on the way: host, all x-amz headers, and a service that is ours. */
function checkCoverage({ signedHeaders, service }: Signed, headers: ReadonlyMap<string, string>): void {
  if (!SERVICES.includes(service)) {
    throw authError(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${SERVICES[0]}'.`,
    )
  }
  const needed = [
    'host',
    ...[...headers.keys()].filter((name) => name.startsWith('x-amz-') && name !== ADDED_ON_THE_WAY),
  ]
  const complete =
    needed.every((name) => signedHeaders.includes(name)) && signedHeaders.every((name) => headers.has(name))
  if (!complete) {
    throw authError(
      'IncompleteSignatureException',
      'SignedHeaders has to name host and each x-amz header of the request.',
    )
  }
}

/** @throws BoxletError UNAUTHENTICATED */
async function checkSignature(
  signed: Signed,
  signedAt: number,
  key: AccessKey,
  request: AuthRequest,
): Promise<void> {
  const expected = await signatureOf(signed, signedAt, key, request)
  if (!constantTimeEqual(signed.signature, expected)) {
    throw authError(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    )
  }
}

async function checkBody({ headers, body }: AuthRequest): Promise<void> {
  const declared = headers.get(BODY_HASH)
  if (declared !== undefined && !constantTimeEqual(declared, await sha256Hex(body))) {
    throw authError('InvalidSignatureException', 'X-Amz-Content-SHA256 does not match the body.')
  }
}

async function signatureOf(
  signed: Signed,
  signedAt: number,
  key: AccessKey,
  request: AuthRequest,
): Promise<string> {
  const { SignatureV4 } = await import('./signer.ts')
  const signer = new SignatureV4({
    service: signed.service,
    region: signed.region,
    credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
    sha256: WebSha256,
    applyChecksum: false,
  })
  const [path = '/', search = ''] = splitTarget(request.target)
  const headers = Object.fromEntries(
    signed.signedHeaders.map((name) => [name, request.headers.get(name) as string]),
  )
  const again = await signer.sign(
    {
      method: request.method,
      protocol: 'https:',
      hostname: headers.host as string,
      path,
      query: parseQuery(search),
      headers,
      body: request.body,
    },
    { signingDate: new Date(signedAt), signableHeaders: new Set(signed.signedHeaders) },
  )
  return parseSigned(again.headers.authorization as string).signature
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

/** As signers read a query: a plus is a plus, not a space. */
function parseQuery(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null)
  for (const pair of search.split('&').filter((part) => part !== '')) {
    const [name = '', ...value] = pair.split('=')
    try {
      const key = decodeURIComponent(name)
      query[key] = [...(query[key] ?? []), decodeURIComponent(value.join('='))]
    } catch {
      throw authError('IncompleteSignatureException', 'The query is not percent-encoded.')
    }
  }
  return query
}
