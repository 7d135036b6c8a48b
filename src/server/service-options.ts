import type { Writable } from 'node:stream'
import type { Limits } from '../api/options.ts'
import type { PoolOptions } from '../pool/worker-pool.ts'
import type { LogFormat } from './request-log.ts'

/** Which addresses of pictures are fetched. */
export const URL_MODES = ['off', 'https', 'any'] as const
export type UrlMode = (typeof URL_MODES)[number]

export interface ServiceOptions {
  host: string
  port: number
  pool: PoolOptions
  limits: Partial<Limits>
  keyFile: string
  /** Asks for keys on a loopback address too, as behind a reverse proxy on the same machine. */
  requireKeys: boolean
  urls: UrlMode
  /** Folder whose folders are buckets. */
  blobs: string | undefined
  corsOrigins: readonly string[]
  rekognitionLimits: 'service' | 'boxlet'
  log: { format: LogFormat; out: Writable }
  /** Milliseconds that accepted work gets when the service stops. */
  graceMs: number
  onNotice(line: string): void
}
