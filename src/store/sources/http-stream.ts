/**
 * GET as a stream that waits for its reader. The fetch libraries around npm read ahead without limit, which
 * for a package of 135 MB means all of it in memory and no stopping early; their agent does the rest well:
 * proxies, certificates, name lookups.
 */
import { get as getHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { get as getHttps } from 'node:https'
import { isAllowedAddress } from './address.ts'
import { type SourceContext, SourceFault, statusReason } from './source.ts'

/** What browsers and npm allow. */
const MAX_REDIRECTS = 20

export interface Connection {
  proxy?: string | undefined
  noProxy?: string | string[] | undefined
  ca?: string | string[] | null | undefined
  cert?: string | null | undefined
  key?: string | null | undefined
  localAddress?: string | undefined
  rejectUnauthorized?: boolean | undefined
}

export interface StreamOptions {
  connection: Connection
  /** For that address alone: credentials must not follow a redirect to another host. */
  headersFor(address: string): OutgoingHttpHeaders
  /** A registry of the own network may be plain http; a model address may not. */
  mayGoTo?(address: string): boolean
}

export async function* readHttp(
  address: string,
  { connection, headersFor, mayGoTo = isAllowedAddress }: StreamOptions,
  context: SourceContext,
): AsyncGenerator<Uint8Array> {
  const { getAgent } = await import('@npmcli/agent')
  let at = address
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!mayGoTo(at)) {
      throw new SourceFault('a redirect to an address that is not https')
    }
    const agent = getAgent(at, { ...connection, keepAlive: false })
    const response = await respond(at, { agent, headers: headersFor(at), signal: context.signal })
    context.alive()
    const { statusCode = 0 } = response
    const { location } = response.headers
    if (statusCode >= 300 && statusCode < 400 && location !== undefined && URL.canParse(location, at)) {
      response.destroy()
      at = new URL(location, at).href
      continue
    }
    if (statusCode !== 200) {
      response.destroy()
      throw new SourceFault(statusReason(statusCode), statusCode >= 500)
    }
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      context.alive()
      yield chunk
    }
    return
  }
  throw new SourceFault('too many redirects')
}

function respond(
  address: string,
  options: { agent: unknown; headers: OutgoingHttpHeaders; signal: AbortSignal },
): Promise<IncomingMessage> {
  const get = address.startsWith('https:') ? getHttps : getHttp
  const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'boxlet', ...options.headers }
  return new Promise((resolve, reject) => {
    const request = get(address, { ...(options as object), headers }, resolve)
    // Stays after the response has come: an abort in the middle raises it once more.
    request.on('error', reject)
  })
}
