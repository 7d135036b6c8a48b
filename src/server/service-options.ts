import type { Writable } from 'node:stream'
import type { Limits } from '../api/options.ts'
import type { JobHome } from '../jobs/home.ts'
import type { Policy } from '../jobs/rules.ts'
import type { PoolOptions } from '../pool/worker-pool.ts'
import type { ClientName } from './clients.ts'
import type { LogFormat } from './request-log.ts'
import type { WatchSettings } from './watch-folder.ts'

/** Which addresses of pictures are fetched. */
export const URL_MODES = ['off', 'https', 'any'] as const
export type UrlMode = (typeof URL_MODES)[number]

/** Where jobs are kept, and what happens to their pictures beside detection. */
export interface JobSettings {
  /** Opens the store. @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE */
  open(): Promise<JobHome>
  policy?: Policy
  uncertainBand?: readonly [number, number]
  webhookSecret?: string
  /** After which the pictures of a worker that was killed are taken up by others. Milliseconds. */
  leaseMs?: number
  /** Folders whose new pictures become jobs. */
  watch?: readonly WatchSettings[]
}

export interface ServiceOptions {
  host: string
  port: number
  pool: PoolOptions
  limits: Partial<Limits>
  /** Addresses and networks of reverse proxies whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[]
  keyFile: string
  /** Asks for keys on a loopback address too, as behind a reverse proxy on the same machine. */
  requireKeys: boolean
  urls: UrlMode
  /** Folder whose folders are buckets. */
  blobs: string | undefined
  jobs: JobSettings | undefined
  /** Other programs' ways of asking that are offered too. */
  clients: readonly ClientName[]
  /** Folders that tools of assistants may read. */
  mcpFolders: readonly string[]
  labelStudio?: {
    /** The Label Studio whose files may be read. */
    host?: { origin: string; token?: string }
    /** File that its webhook's events are appended to. */
    events?: string
  }
  corsOrigins: readonly string[]
  rekognitionLimits: 'service' | 'boxlet'
  log: { format: LogFormat; out: Writable }
  /** Milliseconds that accepted work gets when the service stops. */
  graceMs: number
  onNotice(line: string): void
}
