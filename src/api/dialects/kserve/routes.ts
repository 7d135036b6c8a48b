import type { Hono, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import type { RawModel } from '../../../detector/detectors.ts'
import { BoxletError } from '../../../errors.ts'
import { addStage, type Ctx, type Env } from '../../call.ts'
import { allowOnly, type Service } from '../../service.ts'
import type * as schema from './answer-schema.ts'
import { protocolName } from './datatype.ts'
import { tensorTextInPlace } from './tensor-text.ts'

/** Answers by the names of their schemas. */
type Answer = { [K in keyof typeof schema]: v.InferOutput<(typeof schema)[K]> }

/** Models have one version here; clients that ask for it by number find it. */
const VERSION = '1'

/** The open inference protocol, version 2: raw tensors in, raw tensors out, of the model as its file says. */
export function kserveRoutes(
  app: Hono<Env>,
  service: Service,
  guarded: MiddlewareHandler<Env>,
  guardedTensors: MiddlewareHandler<Env>,
): void {
  const { detectors, version } = service.options
  app.get('/v2', (c) =>
    c.json<Answer['kserveServer']>({
      name: 'boxlet',
      version: version ?? '0',
      extensions: ['binary_tensor_data'],
    }),
  )
  app.get('/v2/health/live', (c) => c.json<Answer['kserveLive']>({ live: true }))
  app.get('/v2/health/ready', (c) =>
    c.json<Answer['kserveReady']>({ ready: detectors.ready() }, detectors.ready() ? 200 : 503),
  )
  for (const path of ['/v2', '/v2/health/live', '/v2/health/ready']) {
    app.all(path, allowOnly('GET'))
  }
  for (const base of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get(base, guarded, async (c) => c.json(await metadata(c, service)))
    app.get(`${base}/ready`, guarded, (c) => {
      const name = modelName(c, service)
      return c.json<Answer['kserveModelReady']>(
        { name, ready: detectors.ready() },
        detectors.ready() ? 200 : 503,
      )
    })
    app.post(`${base}/infer`, guardedTensors, (c) => infer(c, service))
    app.all(base, allowOnly('GET'))
    app.all(`${base}/ready`, allowOnly('GET'))
    app.all(`${base}/infer`, allowOnly('POST'))
  }
}

async function metadata(c: Ctx, service: Service): Promise<Answer['kserveModel']> {
  const { name, raw } = await rawModel(c, service)
  const shapes = (tensors: RawModel['inputs']) =>
    tensors.map((tensor) => ({
      name: tensor.name,
      datatype: protocolName(tensor.type),
      shape: tensor.shape.map((edge) => (typeof edge === 'number' ? edge : -1)),
    }))
  return {
    name,
    versions: [VERSION],
    platform: 'onnx_onnxv1',
    inputs: shapes(raw.inputs),
    outputs: shapes(raw.outputs),
  }
}

async function infer(c: Ctx, service: Service): Promise<Response> {
  const call = c.get('call')
  const { name, raw } = await rawModel(c, service)
  call.model = name
  const text = service.options.tensorText ?? tensorTextInPlace
  const { feeds, ...request } = await text.read(
    {
      body: c.get('body'),
      headerLength: c.req.header('inference-header-content-length'),
      expected: raw.inputs,
    },
    call.caller,
    call.signal,
  )
  const unknown = request.outputs?.find((output) => !raw.outputs.some((known) => known.name === output.name))
  if (unknown !== undefined) {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected an output of the model: ${raw.outputs.map((output) => output.name).join(', ')}.`,
    )
  }
  const started = performance.now()
  const results = await raw.infer(feeds, call.signal)
  addStage(call, 'run', performance.now() - started)
  const { body, jsonBytes } = await text.write({ model: name, request, results }, call.caller, call.signal)
  return new Response(body, {
    headers:
      jsonBytes === undefined
        ? { 'content-type': 'application/json' }
        : {
            'content-type': 'application/octet-stream',
            'inference-header-content-length': String(jsonBytes),
          },
  })
}

function modelName(c: Ctx, service: Service): string {
  const name = c.req.param('name') ?? ''
  const version = c.req.param('version')
  if (!service.options.detectors.names.includes(name) || (version !== undefined && version !== VERSION)) {
    throw new BoxletError('MODEL_NOT_FOUND', 'Expected the name and version of a model that is served.')
  }
  return name
}

async function rawModel(c: Ctx, service: Service): Promise<{ name: string; raw: RawModel }> {
  const name = modelName(c, service)
  const raw = await service.options.detectors.raw?.(name, c.get('call').caller)
  if (raw === undefined) {
    throw new BoxletError('NOT_FOUND', 'Expected a service that offers raw tensors.')
  }
  return { name, raw }
}
