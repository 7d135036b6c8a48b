import type { Context } from 'hono'
import type { BoxletError } from '../errors.ts'
import type { Principal } from './auth/authenticator.ts'
import type { Connection } from './connection.ts'

/** The state of one request on its way through the application. */
export interface Call {
  id: string
  started: number
  connection: Connection
  /** Aborted at the deadline, when the caller goes away, and by `cut`. */
  signal: AbortSignal
  /** Ends the request with that error as its answer. */
  cut(reason: BoxletError): void
  /** Whose work this is, for taking turns: the key, or the address. Empty until it is known. */
  caller: string
  principal: Principal | undefined
  operation: string | undefined
  model: string | undefined
  pictures: number
  detections: number
  error: string | undefined
  cause: unknown
  /** Milliseconds by stage, summed over pictures. */
  stages: Record<string, number>
}

export interface Env {
  Bindings: Connection
  Variables: {
    call: Call
    /** The whole body, read within its limit; empty where there is none. */
    body: Uint8Array
  }
}

export type Ctx = Context<Env>

export function addStage(call: Call, name: string, milliseconds: number): void {
  call.stages[name] = (call.stages[name] ?? 0) + milliseconds
}
