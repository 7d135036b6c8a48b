import type { Hono, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import type { Env } from '../call.ts'
import { allowOnly, detectorFor, type Service } from '../service.ts'
import type * as schema from './model-schema.ts'

/** `GET /v1/models` and `GET /v1/models/{name}`. */
export function modelRoutes(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  const { detectors } = service.options
  app.get('/v1/models', guarded, async (c) => {
    const models = await Promise.all(
      detectors.names.map(async (served) => {
        const { name, family, sha256, licence, contract } = (await detectors.get(served)).model
        return {
          name: served,
          default: served === detectors.defaultName,
          title: name,
          family,
          sha256,
          licence,
          task: contract.task,
          classes: contract.labels.filter((label) => label !== null).length,
        }
      }),
    )
    return c.json<v.InferOutput<typeof schema.models>>({ models })
  })
  app.all('/v1/models', allowOnly('GET'))
  app.get('/v1/models/:name', guarded, async (c) => {
    const served = c.req.param('name') as string
    const { family, sha256, licence, contract, evidence } = (
      await detectorFor(service, c.get('call'), served)
    ).model
    return c.json<v.InferOutput<typeof schema.model>>({
      name: served,
      default: served === detectors.defaultName,
      family,
      sha256,
      licence,
      contract,
      evidence,
    })
  })
  app.all('/v1/models/:name', allowOnly('GET'))
}
