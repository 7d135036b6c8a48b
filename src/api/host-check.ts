import type { MiddlewareHandler } from 'hono'
import { BoxletError } from '../errors.ts'
import type { Env } from './call.ts'
import type { AppOptions } from './options.ts'

/**
 * Guards a service without authentication against pages in the same machine's browser. A page of a stranger
 * may send requests to a loopback address (the Origin header gives it away), and a name that resolves to
 * loopback after the page has loaded lets it read the answers too (the Host header gives that away).
 */
export function checkHost({ hosts = [], corsOrigins = [] }: AppOptions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host
    const name = host.replace(/:\d*$/, '').toLowerCase()
    if (!hosts.includes(name)) {
      throw new BoxletError(
        'FORBIDDEN',
        'Expected the host name that the service listens on but received another.',
        {
          hint: 'Call it as localhost or 127.0.0.1, or start it with an authentication key.',
        },
      )
    }
    const origin = c.req.header('origin')
    if (
      origin !== undefined &&
      !corsOrigins.includes('*') &&
      !corsOrigins.includes(origin) &&
      !isSame(origin, host)
    ) {
      throw new BoxletError(
        'FORBIDDEN',
        'Expected a page of this service but received a request of another site.',
        {
          hint: 'Start the service with --cors and that origin to let its pages in.',
        },
      )
    }
    await next()
  }
}

const isSame = (origin: string, host: string): boolean =>
  URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
