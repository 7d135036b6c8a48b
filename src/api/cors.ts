import type { MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
import type { Env } from './call.ts'

/** Lets pages of other origins call. Keys travel in a header, so cookies are never involved. */
export const cors = (origins: readonly string[]): MiddlewareHandler<Env> =>
  honoCors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['authorization', 'content-type', 'x-api-key', 'x-request-id'],
    exposeHeaders: ['x-request-id', 'server-timing', 'retry-after'],
    maxAge: 600,
  })
