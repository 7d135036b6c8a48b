import type { ModelInfo } from '../../../detector/types.ts'
import type { Ctx } from '../../call.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../../service.ts'
import type { Dialect } from '../dialect.ts'
import { toRoboflow } from './answer.ts'
import { documentOf, keyIn } from './body.ts'
import { hostedRequest, inferRequest, type RoboflowRequest } from './request.ts'

/** Tasks whose boxes this dialect gives; masks and points of a model come as boxes too. */
const INFER = ['/infer/object_detection', '/infer/instance_segmentation', '/infer/keypoints_detection']

/**
 * Roboflow Inference as `inference-sdk` asks it: what is loaded, then a picture; and the older form of its hosted API.
 * The key is `api_key`, in the query or in the body.
 */
export const roboflow: Dialect = {
  routes(app, service, guard) {
    const keys = { query: 'api_key', body: async ({ body }: { body: Uint8Array }) => keyIn(body) }
    const open = guard(0, { query: 'api_key' })
    const guarded = guard(service.limits.bodyBytes, keys)
    const hosted = guard(service.limits.bodyBytes, { query: 'api_key' })
    const { version = '0' } = service.options
    app.get('/info', open, (c) => c.json({ name: 'Boxlet', version, uuid: 'boxlet' }))
    app.get('/model/registry', open, async (c) => c.json({ models: await registry(c, service) }))
    app.post('/model/add', guarded, async (c) => {
      const id = String(documentOf(c.get('body')).model_id ?? '')
      const { model } = await modelOf(c, service, id)
      const others = (await registry(c, service)).filter(({ model_id }) => model_id !== id)
      // A client looks for the very name that it gave, which for the model of a project ends in a version.
      return c.json({ models: [describe(id, model), ...others] })
    })
    for (const path of INFER) {
      app.post(path, guarded, (c) => answer(c, service, inferRequest(c, service)))
      app.all(path, allowOnly('POST'))
    }
    // A version is a number: other names of two parts belong to others.
    app.on(['GET', 'POST'], '/:dataset/:version{[0-9]+}', hosted, async (c) =>
      answer(c, service, await hostedRequest(c, service)),
    )
    app.all('/info', allowOnly('GET'))
    app.all('/model/registry', allowOnly('GET'))
    app.all('/model/add', allowOnly('POST'))
  },
  errors: {
    owns: (path) => /^\/(infer\/|model\/|info$|[^/]+\/\d+$)/.test(path),
    body: (error) => ({ message: [error.message, error.hint].filter(Boolean).join(' ') }),
  },
}

function registry(c: Ctx, service: Service) {
  const { names } = service.options.detectors
  return Promise.all(
    names.map(async (name) => describe(name, (await detectorFor(service, c.get('call'), name)).model)),
  )
}

const describe = (name: string, { contract }: ModelInfo) => ({
  model_id: name,
  task_type: 'object-detection',
  batch_size: 1,
  input_height: contract.input.size.height,
  input_width: contract.input.size.width,
})

/** A model by its name here; `NAME/VERSION`, as projects have it, is the model NAME. */
function modelOf(c: Ctx, service: Service, id: string) {
  const { names } = service.options.detectors
  const name = names.includes(id) ? id : id.replace(/\/\d+$/, '')
  return detectorFor(service, c.get('call'), name)
}

async function answer(c: Ctx, service: Service, request: RoboflowRequest): Promise<Response> {
  const call = c.get('call')
  const detector = await modelOf(c, service, request.model)
  const results = await Promise.all(
    request.pictures.map(async ({ bytes }) =>
      toRoboflow(
        await detectOne(service, call, detector, await bytes(), { ...request.options, consume: true }),
      ),
    ),
  )
  return c.json(request.isList ? results : results[0]!)
}
