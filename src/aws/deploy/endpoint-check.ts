/** The endpoint as callers reach it: a permission that is missing there shows nowhere else. */
import { SignatureV4 } from '@smithy/signature-v4'
import { WebSha256 } from '../../api/auth/crypto.ts'
import { BoxletError } from '../../errors.ts'
import { sdkFault } from '../clients/sdk.ts'
import type { AwsSession } from './session.ts'
import { detectionsIn } from './smoke.ts'

/** How long permissions may take to be known everywhere. */
const TRIES = 5
const PAUSE_MS = 2000

export interface EndpointOptions {
  url: string
  auth: 'iam' | 'keys'
  /** A key that is known, because it was just made. */
  bearer: string | undefined
  picture: Uint8Array
  signal: AbortSignal
  fetch?: typeof fetch
  pauseMs?: number
}

export type EndpointResult =
  /** `detects` is false where no key is known: only the door was tried, and the function asked for a key. */
  { reached: true; detects: boolean } | { reached: false; reason: string }

/**
 * Sends the picture to the endpoint, signed or with a key.
 *
 * @throws BoxletError DEPLOY_FAILED when the function answers and does not detect, FORBIDDEN when AWS lets
 * nobody in, AWS_FAILED when nothing answers
 */
export async function checkEndpoint(session: AwsSession, options: EndpointOptions): Promise<EndpointResult> {
  const { signal, pauseMs = PAUSE_MS } = options
  for (let tries = 1; ; tries++) {
    const answer = await ask(session, options)
    if ('reason' in answer) {
      return { reached: false, reason: answer.reason }
    }
    const { status, text } = answer
    const own = isOwnAnswer(text)
    // A running function learns of new keys within a minute, so being asked for one is proof enough.
    if (options.auth === 'keys' && status === 401 && own) {
      return { reached: true, detects: false }
    }
    if (status === 200) {
      detectionsIn(text, undefined)
      return { reached: true, detects: true }
    }
    const isFault = own || status === 502 || status === 500
    if (isFault && (own || tries === TRIES)) {
      detectionsIn(text, String(status))
    }
    if (tries === TRIES) {
      throw refused(options, status, text)
    }
    await new Promise<void>((resolve) => setTimeout(resolve, pauseMs))
    signal.throwIfAborted()
  }
}

async function ask(
  session: AwsSession,
  options: EndpointOptions,
): Promise<{ status: number; text: string } | { reason: string }> {
  const target = new URL('v1/detect', options.url)
  const headers: Record<string, string> = { 'content-type': 'image/jpeg' }
  if (options.auth === 'keys' && options.bearer !== undefined) {
    headers.authorization = `Bearer ${options.bearer}`
  }
  try {
    const answer = await (options.fetch ?? fetch)(target, {
      method: 'POST',
      headers: options.auth === 'iam' ? await signed(session, target, headers, options.picture) : headers,
      body: options.picture as Uint8Array<ArrayBuffer>,
      signal: options.signal,
    })
    return { status: answer.status, text: await answer.text() }
  } catch (cause) {
    options.signal.throwIfAborted()
    const { code } = ((cause as Error).cause ?? cause) as { code?: string }
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
      return { reason: `the name ${target.hostname} cannot be resolved from here yet` }
    }
    throw new BoxletError(
      'AWS_FAILED',
      `Expected an answer of ${target.hostname} but received ${code ?? sdkFault(cause).name}.`,
      { cause, hint: 'The function detects when it is invoked directly; look at the network between.' },
    )
  }
}

async function signed(
  session: AwsSession,
  url: URL,
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    service: /\.execute-api\./.test(url.hostname) ? 'execute-api' : 'lambda',
    region: session.region,
    credentials: await session.cloudFormation.config.credentials(),
    sha256: WebSha256,
  })
  const request = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { ...headers, host: url.host },
    body,
  })
  const { host: _set, ...rest } = request.headers
  return rest
}

/** Boxlet's errors have a code; those of AWS in front of it do not. */
function isOwnAnswer(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown } }
    return typeof error?.code === 'string'
  } catch {
    return false
  }
}

function refused({ auth, url }: EndpointOptions, status: number, text: string): BoxletError {
  const said = text.replace(/\s+/g, ' ').slice(0, 120)
  return new BoxletError(
    'FORBIDDEN',
    `Expected ${new URL(url).hostname} to let callers in but it answered ${status}: ${said}.`,
    {
      hint:
        auth === 'iam'
          ? 'You need lambda:InvokeFunctionUrl and lambda:InvokeFunction on the function, or execute-api:Invoke on an HTTP API, and so does every caller.'
          : 'Look at the permissions UrlPermission and UrlInvokePermission of the stack, and at policies of your organisation against public functions.',
    },
  )
}
