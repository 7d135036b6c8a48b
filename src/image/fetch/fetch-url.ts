import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BoxletError } from '../../errors.ts'
import { readBounded } from '../../system/bytes.ts'
import { defined } from '../../system/defined.ts'
import { type AddressRules, checkedLookup, checkUrl } from './guarded-address.ts'

/** A picture may sit behind a short link and a content network; more hops are a loop or a probe. */
const MAX_REDIRECTS = 3
const DEFAULT_FETCH_BYTES = 20 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 10_000

export interface FetchImageOptions extends AddressRules {
  /** Most bytes of the body. Default 20 MiB. */
  maxBytes?: number
  /** For the whole fetch, redirects included. Default 10 s. */
  timeoutMs?: number
  signal?: AbortSignal
  /** A host that the operator of this process named: it may be private and speak http, and gets the credentials. */
  trusted?: { origin: string; authorization?: string }
}

/**
 * Fetches the bytes behind an address without letting the sender of the address reach the networks that this
 * process can reach. The check sits in the name lookup of the connection itself, so that the address checked
 * is the address connected to and a name that changes its answer gains nothing. Each redirect starts again.
 *
 * @throws BoxletError URL_REFUSED, URL_FAILED, IMAGE_NOT_FOUND (404, 410), IMAGE_TOO_LARGE, ABORTED
 */
export async function fetchImage(
  address: string | URL,
  options: FetchImageOptions = {},
): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  try {
    options.signal?.throwIfAborted()
    return await follow(checkUrl(String(address), rulesFor(address, options)), options, signal)
  } catch (error) {
    throw explain(error, options, timeout)
  }
}

async function follow(start: URL, options: FetchImageOptions, signal: AbortSignal): Promise<Uint8Array> {
  let url = start
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await get(url, options, signal)
    const status = response.statusCode ?? 0
    if (status === 200) {
      return readBody(response, options.maxBytes ?? DEFAULT_FETCH_BYTES)
    }
    response.destroy()
    const next = [301, 302, 303, 307, 308].includes(status) ? response.headers.location : undefined
    if (next === undefined) {
      throw badStatus(url, status)
    }
    if (!URL.canParse(next, url.href)) {
      throw new BoxletError('URL_FAILED', 'Expected an address in the redirect.')
    }
    const address = new URL(next, url).href
    url = checkUrl(address, rulesFor(address, options))
  }
  throw new BoxletError(
    'URL_FAILED',
    `Expected at most ${MAX_REDIRECTS} redirects for the address but received more.`,
  )
}

/** Each hop has its own: a redirect away from the trusted host ends the trust. */
function rulesFor(address: string | URL, options: FetchImageOptions): AddressRules {
  const { trusted } = options
  return trusted !== undefined && URL.canParse(String(address)) && new URL(address).origin === trusted.origin
    ? { ...options, allowHttp: true, allowPrivate: true }
    : options
}

function get(url: URL, options: FetchImageOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const { trusted } = options
  const authorization = url.origin === trusted?.origin ? trusted.authorization : undefined
  return new Promise((resolve, reject) => {
    request(url, {
      // No pooled connections: each one is opened through the checked lookup.
      agent: false,
      lookup: checkedLookup(rulesFor(url, options)),
      signal,
      // A compressed answer could unfold past the limit.
      headers: {
        accept: 'image/*, */*;q=0.1',
        'accept-encoding': 'identity',
        'user-agent': 'boxlet',
        ...defined({ authorization }),
      },
    })
      .on('response', resolve)
      .on('error', reject)
      .end()
  })
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new BoxletError(
      'IMAGE_TOO_LARGE',
      `Expected at most ${maxBytes} bytes behind the address but received more.`,
    )
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.destroy()
    throw tooLarge()
  }
  // Leaving the loop destroys the response, and with it the connection.
  return readBounded(response as AsyncIterable<Uint8Array>, maxBytes, tooLarge)
}

function badStatus(url: URL, status: number): BoxletError {
  const code = status === 404 || status === 410 ? 'IMAGE_NOT_FOUND' : 'URL_FAILED'
  return new BoxletError(code, `Expected a picture from ${url.host} but received status ${status}.`)
}

function explain(error: unknown, options: FetchImageOptions, timeout: AbortSignal): BoxletError {
  if (error instanceof BoxletError) {
    return error
  }
  if (options.signal?.aborted) {
    return new BoxletError('ABORTED', 'Expected to fetch the picture but the work was cancelled.', {
      cause: error,
    })
  }
  if (timeout.aborted) {
    return new BoxletError(
      'URL_FAILED',
      `Expected a picture from the address within ${options.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms but received none.`,
      { cause: error },
    )
  }
  return new BoxletError('URL_FAILED', 'Expected a picture from the address but could not connect to it.', {
    cause: error,
    hint: 'Check that the address opens in a browser on this machine.',
  })
}
