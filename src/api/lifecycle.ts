import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { BoxletError } from '../errors.ts'
import type { Call, Ctx, Env } from './call.ts'
import { deadlineOf } from './connection.ts'
import type { Service } from './service.ts'

/** A caller may name its request, so that it finds it again in the log; anything odd is replaced. */
const REQUEST_ID = /^[\w.:=-]{1,128}$/

/** Gives each request its id, deadline, response headers and line in the log. Stands before everything else. */
export function lifecycle(service: Service): MiddlewareHandler<Env> {
  return async (c, next) => {
    const started = performance.now()
    const deadline = new AbortController()
    const deadlineMs = deadlineOf(c.env, service.limits)
    const timer = setTimeout(() => deadline.abort(deadlineError(deadlineMs)), deadlineMs)
    const gone = () => deadline.abort(caller.reason)
    const caller = c.env.signal ?? c.req.raw.signal
    if (caller.aborted) {
      gone()
    } else {
      caller.addEventListener('abort', gone, { once: true })
    }
    const call = begin(c, deadline, started)
    c.set('call', call)
    try {
      await next()
    } finally {
      clearTimeout(timer)
      caller.removeEventListener('abort', gone)
    }
    finish(c, call)
    service.options.observer?.request({
      time: new Date(service.now()).toISOString(),
      requestId: call.id,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      duration: performance.now() - started,
      client: call.principal?.id ?? c.env.clientAddress,
      operation: call.operation,
      model: call.model,
      pictures: call.pictures,
      detections: call.detections,
      error: call.error,
      cause: call.cause,
      stages: call.stages,
    })
  }
}

function begin(c: Ctx, end: AbortController, started: number): Call {
  const asked = c.req.header('x-request-id')
  const { principal, requestId } = c.env
  return {
    id: asked !== undefined && REQUEST_ID.test(asked) ? asked : (requestId ?? crypto.randomUUID()),
    started,
    connection: c.env,
    signal: end.signal,
    cut: (reason) => end.abort(reason),
    caller: '',
    principal: principal === undefined ? undefined : { id: principal, kind: 'platform' },
    operation: undefined,
    model: undefined,
    pictures: 0,
    detections: 0,
    error: undefined,
    cause: undefined,
    stages: {},
  }
}

function finish(c: Ctx, call: Call): void {
  const stages = Object.entries(call.stages).map(([name, value]) => `${name};dur=${value.toFixed(1)}`)
  stages.push(`total;dur=${(performance.now() - call.started).toFixed(1)}`)
  c.header('x-request-id', call.id)
  c.header('server-timing', stages.join(', '))
  c.header('x-content-type-options', 'nosniff')
  if (!c.res.headers.has('cache-control')) {
    c.header('cache-control', 'no-store')
  }
}

/** The pattern that matched last, not the caller's path: that would let anyone fill the metrics with names. */
function routeOf(c: Ctx): string {
  if (c.error instanceof BoxletError && c.error.code === 'NOT_FOUND') {
    return 'unknown'
  }
  return routePath(c, -1)
}

const deadlineError = (deadlineMs: number) =>
  new BoxletError('TIMEOUT', `Expected an answer within ${deadlineMs} ms but the work took longer.`)
