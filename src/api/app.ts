import { Hono } from 'hono/quick'
import { BoxletError, toBoxletError } from '../errors.ts'
import { Admission } from './admission.ts'
import { keysIn } from './auth/key-place.ts'
import type { Env } from './call.ts'
import type { Connection } from './connection.ts'
import { cors } from './cors.ts'
import type { Dialect, MakeGuard } from './dialects/dialect.ts'
import { earlierRoutes } from './dialects/earlier-services/routes.ts'
import { tfliteRoutes } from './dialects/earlier-services/tflite.ts'
import { kserveRoutes } from './dialects/kserve/routes.ts'
import { rekognitionRoute } from './dialects/rekognition/route.ts'
import { errorResponse, protocolOf } from './error-response.ts'
import { guard } from './guard.ts'
import { healthRoutes } from './health.ts'
import { checkHost } from './host-check.ts'
import { jobRoutes } from './jobs/job-routes.ts'
import { lifecycle } from './lifecycle.ts'
import { detectRoutes } from './native/detect-routes.ts'
import { modelRoutes } from './native/model-routes.ts'
import { openApiRoute } from './openapi/route.ts'
import { type AppOptions, DEFAULT_LIMITS, type Limits } from './options.ts'
import { pageRoutes } from './page.ts'
import { ReadTurns } from './read-turns.ts'
import type { Service } from './service.ts'

/** The HTTP application: Web requests in, Web responses out; runs in a Node server and in Lambda alike. */
export interface App {
  fetch(request: Request, connection?: Connection): Promise<Response>
  /** Takes no new work and resolves when the accepted work is done. */
  drain(): Promise<void>
  /** Requests that are being read, waiting or running. */
  readonly inFlight: number
  /** The same by phase, with the bytes of their bodies and the callers that they belong to. */
  readonly usage: Admission['usage']
  readonly limits: Limits
}

/** Requests about jobs that wait or run at once: each that waits holds a connection and a timer. */
const MOST_JOB_REQUESTS = 1_024

/**
 * Builds the application. Nothing is loaded or listened on; each model loads when `detectors` says so.
 *
 * @param dialects ways of asking beside those that are always there
 */
export function createApp(options: AppOptions, dialects: readonly Dialect[] = []): App {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits }
  const admission = new Admission(limits)
  const turns = new ReadTurns()
  const service: Service = { options, limits, now: options.now ?? Date.now }
  const app = new Hono<Env>({ strict: false })
  const guarded: MakeGuard = (maxBytes, keys) => {
    const auth = options.auth && keys ? keysIn(options.auth, keys) : options.auth
    return guard({ limits, admission, turns, auth, maxBytes })
  }

  app.onError((error, c) => {
    const known = toBoxletError(error)
    const call = c.get('call')
    call.error = known.code
    if (known.code === 'INTERNAL') {
      call.cause = known.cause
    }
    const dialect = dialects.find(({ errors }) => errors?.owns(c.req.path))
    const protocol = dialect?.errors ?? protocolOf(c.req.path, c.req.raw.headers)
    return errorResponse(known, protocol, call.id)
  })
  app.notFound((c) => {
    throw new BoxletError(
      'NOT_FOUND',
      `Expected a documented path but received another one for ${c.req.method}.`,
      {
        hint: 'GET /openapi.json lists the paths.',
      },
    )
  })

  app.use(lifecycle(service))
  if (options.auth === undefined && options.hosts !== undefined) {
    app.use(checkHost(options))
  }
  if (options.corsOrigins !== undefined && options.corsOrigins.length > 0) {
    app.use(cors(options.corsOrigins))
  }

  healthRoutes(app, service, guarded(0))
  openApiRoute(app, service)
  modelRoutes(app, service, guarded(0))
  detectRoutes(app, service, guarded(limits.bodyBytes))
  kserveRoutes(app, service, guarded(0), guarded(limits.tensorBytes))
  earlierRoutes(app, service, guarded(limits.bodyBytes))
  tfliteRoutes(app, service, guarded(limits.bodyBytes))
  rekognitionRoute(app, service, guarded(limits.bodyBytes))
  for (const dialect of dialects) {
    dialect.routes(app, service, guarded)
  }
  const closing = new AbortController()
  // Asking after a job costs next to nothing, and may take half a minute: it takes no place from detection.
  const jobAdmission = new Admission({ ...limits, inFlight: MOST_JOB_REQUESTS })
  if (options.jobs !== undefined) {
    const guardedJob = (maxBytes: number) =>
      guard({ limits, admission: jobAdmission, turns, auth: options.auth, maxBytes })
    const guards = {
      body: guardedJob(limits.bodyBytes),
      list: guardedJob(limits.listBytes),
      none: guardedJob(0),
    }
    jobRoutes(app, service, options.jobs, guards, closing.signal)
  }
  if (options.page !== undefined) {
    pageRoutes(app, options.page)
  }

  return {
    fetch: async (request, connection = {}) => app.fetch(request, connection),
    drain: async () => {
      closing.abort()
      await Promise.all([admission.drain(), jobAdmission.drain()])
    },
    get inFlight() {
      return admission.requests + jobAdmission.requests
    },
    get usage() {
      return admission.usage
    },
    limits,
  }
}
