import type { Hono, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import type { status } from './answer-schema.ts'
import type { Env } from './call.ts'
import { allowOnly, type Service } from './service.ts'

type Status = v.InferOutput<typeof status>

/** Liveness, readiness and metrics. The first two are open, since probes carry no credentials. */
export function healthRoutes(app: Hono<Env>, { options }: Service, guarded: MiddlewareHandler<Env>): void {
  app.get('/healthz', (c) => c.json<Status>({ status: 'ok' }))
  app.get('/readyz', (c) =>
    options.detectors.ready()
      ? c.json<Status>({ status: 'ready' })
      : c.json<Status>({ status: 'not ready' }, 503),
  )
  const render = options.observer?.render?.bind(options.observer)
  if (render !== undefined) {
    app.get('/metrics', guarded, async (c) => {
      const { contentType, body } = await render()
      return c.body(body, 200, { 'content-type': contentType })
    })
  }
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    app.all(path, allowOnly('GET'))
  }
}
