import { readFile } from 'node:fs/promises'
import { type App, createApp } from '../api/app.ts'
import { keyAuthenticator } from '../api/auth/key-authenticator.ts'
import { tensorTextInPlace } from '../api/dialects/kserve/tensor-text.ts'
import { type AppOptions, DEFAULT_LIMITS, type FetchPicture, type RequestRecord } from '../api/options.ts'
import { BoxletError } from '../errors.ts'
import { fetchImage } from '../image/fetch/fetch-url.ts'
import { FileBlobStore } from '../local/file-blob-store.ts'
import { WorkerPool } from '../pool/worker-pool.ts'
import { defined } from '../system/defined.ts'
import { dialectsOf } from './dialects.ts'
import { FileKeyStore } from './file-key-store.ts'
import { listen, type RunningServer } from './http-server.ts'
import { type RunningJobs, startJobs } from './jobs.ts'
import { isReadableByOthers, readKeys } from './key-file.ts'
import { isLoopback, loopbackHosts } from './loopback.ts'
import { Metrics } from './metrics.ts'
import { pageFiles } from './page-files.ts'
import { requestLog } from './request-log.ts'
import type { ServiceOptions, UrlMode } from './service-options.ts'
import { TensorThread } from './tensor-thread.ts'
import { TrustedProxies } from './trusted-proxy.ts'

export interface RunningService {
  readonly url: string
  readonly port: number
  readonly app: App
  readonly pool: WorkerPool
  readonly jobs: RunningJobs | undefined
  /** Open connections. */
  readonly connections: number
  /**
   * Finishes what was accepted, within the grace, answers the rest, and ends.
   *
   * @returns false when a worker hangs in a run, so that the process has to be killed
   */
  stop(): Promise<boolean>
}

/** After the grace: until the refusals have reached their callers. */
const ANSWER_MS = 2_000

/**
 * Starts the whole service: keys, workers, application, server. The address is bound last, so that a service
 * that answers at all is one that can detect.
 *
 * @throws BoxletError USAGE when the address is open to others and there are no keys; as `Detector.load`
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const auth = await authentication(options)
  const tensorText = new TensorThread(tensorTextInPlace)
  const pool = await WorkerPool.start({ yields: true, ...options.pool, onNotice: options.onNotice })
  let jobs: RunningJobs | undefined
  try {
    jobs = await jobsOf(options, pool)
    const appOf = {
      ...(await appOptions(options, pool, jobs, () => app.inFlight)),
      ...(auth && { auth }),
      ...(jobs && { jobs: jobs.offer }),
      tensorText,
      ...(options.jobs?.policy && { policy: options.jobs.policy }),
    }
    const app = createApp(
      appOf,
      await dialectsOf(options, { detectors: pool, fetchPicture: appOf.fetchPicture }),
    )
    const trustedProxies = new TrustedProxies(options.trustedProxies)
    const server = await listen(app, { host: options.host, port: options.port, trustedProxies })
    return {
      url: server.url,
      port: server.port,
      app,
      pool,
      jobs,
      get connections() {
        return server.connections
      },
      stop: async () => {
        const isDone = await stop(app, server, pool, jobs, options.graceMs)
        await tensorText.close()
        return isDone
      },
    }
  } catch (error) {
    await jobs?.stop(0)
    await pool.close()
    throw error
  }
}

async function authentication(options: ServiceOptions): Promise<AppOptions['auth']> {
  const { host, keyFile, requireKeys, onNotice } = options
  if (isLoopback(host) && !requireKeys) {
    return undefined
  }
  const keys = await readKeys(keyFile)
  if (keys.length === 0) {
    throw new BoxletError(
      'USAGE',
      `Expected at least one key for a service ${requireKeys ? 'that asks for keys' : 'that others can reach'} but there is none.`,
      {
        hint: `Make one with "boxlet keys create"${isLoopback(host) ? '' : ', or listen on 127.0.0.1'}.`,
      },
    )
  }
  if (await isReadableByOthers(keyFile)) {
    onNotice('Other users of this machine can read the key file: chmod 600 it.')
  }
  return keyAuthenticator(new FileKeyStore(keyFile))
}

async function appOptions(
  options: ServiceOptions,
  pool: WorkerPool,
  jobs: RunningJobs | undefined,
  inFlight: () => number,
): Promise<AppOptions> {
  const metrics = new Metrics({
    pool: () => pool.stats,
    inFlight,
    ...(jobs && { jobs: () => jobs.home.pictures.size() }),
  })
  for (const [model, milliseconds] of pool.loadMs) {
    metrics.loaded(model, milliseconds)
  }
  const log = requestLog(options.log.format, options.log.out)
  const fetchPicture = picturesByAddress(options.urls)
  return {
    detectors: pool,
    limits: options.limits,
    observer: {
      request(record: RequestRecord) {
        metrics.request(record)
        log(record)
      },
      render: () => metrics.render(),
    },
    page: pageFiles(new URL('../../dist/web/', import.meta.url)),
    corsOrigins: options.corsOrigins,
    hosts: loopbackHosts(options.host),
    rekognitionLimits: options.rekognitionLimits,
    version: await ownVersion(),
    ...(options.blobs === undefined ? {} : { blobStore: new FileBlobStore(options.blobs) }),
    ...defined({ fetchPicture }),
  }
}

function picturesByAddress(mode: UrlMode): FetchPicture | undefined {
  if (mode === 'off') {
    return undefined
  }
  const open = mode === 'any'
  return (url, options) => fetchImage(url, { ...options, allowHttp: open, allowPrivate: open })
}

/**
 * New work is refused at once; accepted work goes on until it is done or the grace is over, and is answered with
 * 503 then. The address stays bound meanwhile, so that callers and probes hear why.
 */
async function stop(
  app: App,
  server: RunningServer,
  pool: WorkerPool,
  jobs: RunningJobs | undefined,
  graceMs: number,
): Promise<boolean> {
  pool.stopping()
  server.windDown()
  // What is not done of a job within the grace goes back into its queue.
  const stopped = jobs?.stop(graceMs)
  const drained = app.drain().then(() => server.close())
  if (!(await within(drained, graceMs))) {
    server.cut(new BoxletError('SHUTTING_DOWN', 'Expected the work to finish but the service stopped.'))
    const closed = server.close()
    await within(closed, ANSWER_MS)
    server.destroy()
    await closed
  }
  await stopped
  return pool.close()
}

/** One picture more than there are workers, so that the next is decoded while they run. */
async function jobsOf(options: ServiceOptions, pool: WorkerPool): Promise<RunningJobs | undefined> {
  if (options.jobs === undefined) {
    return undefined
  }
  const { pictureBytes, fetchMs } = { ...DEFAULT_LIMITS, ...options.limits }
  return startJobs({
    ...options.jobs,
    detectors: pool,
    concurrency: options.pool.workers + 1,
    blobStore: options.blobs === undefined ? undefined : new FileBlobStore(options.blobs),
    urls: options.urls,
    maxBytes: pictureBytes,
    fetchMs,
    onNotice: options.onNotice,
  })
}

async function within(work: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
