import type { Hono } from 'hono'
import type { Ctx, Env } from '../../call.ts'
import { parseJsonObject } from '../../json-body.ts'
import { allowOnly, detectorFor, type Service } from '../../service.ts'
import type { Dialect, MakeGuard } from '../dialect.ts'
import type { LabelStudioHost } from './pictures.ts'
import { predict, versionOf } from './predict.ts'

export interface LabelStudioSettings {
  /** Without one only tasks with addresses or data of their own can be predicted. */
  host?: LabelStudioHost
  /** Keeps what the webhook tells: annotations as they are made, for training later. */
  keep?(event: Readonly<Record<string, unknown>>): Promise<void>
}

/** An annotated task with its predictions. */
const EVENT_BOUNDS = { depth: 32, values: 200_000, plainBytes: 4 * 2 ** 20 }

/**
 * Label Studio's ML backend. Its settings have a name and a password: the password is the key. Under
 * `/label-studio/MODEL` stands the same for another model than the first.
 *
 * Source: `label_studio/ml/api_connector.py`, which waits one second for `health` and three for `setup`.
 */
export const labelStudio = (settings: LabelStudioSettings): Dialect => ({
  routes(app, service, guard) {
    for (const base of ['', '/label-studio/:model']) {
      routesAt(base, app, service, guard, settings)
    }
  },
})

function routesAt(
  base: string,
  app: Hono<Env>,
  service: Service,
  guard: MakeGuard,
  { host, keep }: LabelStudioSettings,
): void {
  const guarded = guard(service.limits.bodyBytes)
  const model = (c: Ctx) => c.req.param('model')
  app.get(`${base}/health`, (c) => c.json({ status: 'UP', model_class: 'Boxlet' }))
  app.post(`${base}/setup`, guarded, async (c) =>
    c.json({ model_version: versionOf(await detectorFor(service, c.get('call'), model(c))) }),
  )
  app.post(`${base}/predict`, guarded, (c) => predict(c, service, model(c), host))
  app.post(`${base}/webhook`, guarded, async (c) => {
    const event = parseJsonObject(c.get('body'), EVENT_BOUNDS)
    await keep?.(event)
    return c.json({ kept: keep !== undefined }, 201)
  })
  app.all(`${base}/health`, allowOnly('GET'))
  for (const name of ['setup', 'predict', 'webhook']) {
    app.all(`${base}/${name}`, allowOnly('POST'))
  }
}
