import type { Hono, MiddlewareHandler } from 'hono'
import type { BoxletError } from '../../errors.ts'
import type { KeyPlace } from '../auth/key-place.ts'
import type { Env } from '../call.ts'
import type { Service } from '../service.ts'

/** Makes what stands before a route: the most bytes of a body, and where else than in the headers a key may be. */
export type MakeGuard = (maxBytes: number, keys?: KeyPlace) => MiddlewareHandler<Env>

/** The way of asking of another program's clients, which a service offers where its operator says so. */
export interface Dialect {
  routes(app: Hono<Env>, service: Service, guard: MakeGuard): void
  /** Errors on its paths, in the form that its clients read. Without it they are those of the native API. */
  errors?: {
    owns(path: string): boolean
    body(error: BoxletError): unknown
  }
}
