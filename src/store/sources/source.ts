/** One place that the bytes of a model come from. Sources stream; they never write. */

import type { Environment } from '../../system/environment.ts'

export interface SourceContext {
  env: Environment
  /** Of an address alone: credentials must not follow a redirect to another host. */
  headersFor?: ((address: string) => Record<string, string>) | undefined
  /** Aborting it closes the connection. */
  signal: AbortSignal
  /** To be called for every piece that the network brings, wanted or not: silence ends the download. */
  alive(): void
}

/** Yields the bytes of the wanted file and ends after its last one. Throws `SourceFault` or a network error. */
export type ReadSource<S> = (source: S, context: SourceContext) => AsyncIterable<Uint8Array>

/** Why a source did not give the file, as the end of a sentence. */
export class SourceFault extends Error {
  override readonly name: string = 'SourceFault'
  /** Whether asking the same source once more may help. */
  readonly passing: boolean

  constructor(reason: string, passing = false) {
    super(reason)
    this.passing = passing
  }
}

/** Seconds without a single byte after which a download counts as dead. */
const DEFAULT_STALL_SECONDS = 30

/** The libraries' own limits only catch what the watch of the store cannot, so they come later. */
export const libraryTimeout = (env: Environment): number => 2 * stallMilliseconds(env)

export function stallMilliseconds(env: Environment): number {
  const seconds = Number(env.BOXLET_STALL_SECONDS)
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_STALL_SECONDS) * 1000
}

/** Says in words what an HTTP status means for the reader. */
export function statusReason(status: number): string {
  if (status === 404 || status === 410) {
    return `${status} (not found)`
  }
  if (status === 401 || status === 403 || status === 407) {
    return `${status} (not permitted)`
  }
  if (status === 429) {
    return '429 (too many requests)'
  }
  return `status ${status}`
}

const NETWORK_REASONS: Record<string, string> = {
  ENOTFOUND: 'no address for the host (offline?)',
  EAI_AGAIN: 'no address for the host (offline?)',
  ECONNREFUSED: 'a refused connection',
  ECONNRESET: 'a connection cut in the middle',
  EPIPE: 'a connection cut in the middle',
  ERR_STREAM_PREMATURE_CLOSE: 'a connection cut in the middle',
  ENETUNREACH: 'an unreachable network (offline?)',
  EHOSTUNREACH: 'an unreachable host',
  ETIMEDOUT: 'no answer in time',
  ECONNECTIONTIMEOUT: 'no answer in time',
  ERESPONSETIMEOUT: 'no answer in time',
  EIDLETIMEOUT: 'no answer in time',
  Z_BUF_ERROR: 'an archive cut in the middle',
  Z_DATA_ERROR: 'a damaged archive',
}

/** Faults that a second attempt at once may not meet. */
export function isPassing(error: unknown): boolean {
  if (error instanceof SourceFault) {
    return error.passing
  }
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'EAI_AGAIN'].includes(
    String((error as { code?: unknown }).code),
  )
}

/** What went wrong, in words and without addresses, which may carry credentials. */
export function faultReason(error: unknown): string {
  if (error instanceof SourceFault) {
    return error.message
  }
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (typeof statusCode === 'number') {
    return statusReason(statusCode)
  }
  if (typeof code === 'string') {
    if (NETWORK_REASONS[code] !== undefined) {
      return NETWORK_REASONS[code]
    }
    if (/CERT|SSL|TLS|ISSUER/.test(code)) {
      return `a certificate that is not trusted (${code})`
    }
    return `the fault ${code}`
  }
  return 'an unforeseen fault'
}
