import { Writable } from 'node:stream'
import { defaultKeyFile } from '../../src/server/key-file.ts'
import { type RunningService, startService } from '../../src/server/service.ts'
import type { ServiceOptions } from '../../src/server/service-options.ts'
import { streetModel } from './street.ts'

export interface TestService extends RunningService {
  /** Lines of the log so far. */
  readonly log: Record<string, unknown>[]
}

/**
 * The whole service on a free loopback port with a small model. Its workers run the built code, so build
 * first, as `npm test` does.
 */
export async function startTestService(
  changes: Partial<ServiceOptions> = {},
  model = 'yolox-nano',
  path = streetModel(),
): Promise<TestService> {
  const log: Record<string, unknown>[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n')) {
        if (line !== '') {
          log.push(JSON.parse(line))
        }
      }
      done()
    },
  })
  const service = await startService({
    host: '127.0.0.1',
    port: 0,
    pool: {
      models: [{ name: model, model: path, options: {} }],
      workers: 1,
      threads: 1,
      queue: 100,
      tasksPerWorker: 1,
    },
    limits: {},
    keyFile: defaultKeyFile(process.env),
    requireKeys: false,
    trustedProxies: [],
    urls: 'https',
    blobs: undefined,
    jobs: undefined,
    clients: [],
    mcpFolders: [],
    corsOrigins: [],
    rekognitionLimits: 'service',
    log: { format: 'json', out },
    graceMs: 10_000,
    onNotice: () => {},
    ...changes,
  })
  return {
    ...service,
    log,
    get connections() {
      return service.connections
    },
  }
}
