import * as v from 'valibot'
import type { Detection } from '../../../boxes/detection.ts'
import type { ModelInfo } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import { decodeBase64 } from '../../base64.ts'
import type { Ctx } from '../../call.ts'
import { formFault } from '../../form-fault.ts'
import { parseJsonObject } from '../../json-body.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../../service.ts'
import type { Dialect } from '../dialect.ts'

/**
 * The part of nuclio's dashboard that CVAT asks: which functions there are, and one call of one of them. Each model is
 * a function. Source: `cvat/apps/lambda_manager/views.py`, with its invoke method `dashboard`.
 */
export const cvat: Dialect = {
  routes(app, service, guard) {
    const { names } = service.options.detectors
    app.get('/api/functions', guard(0), async (c) => {
      const models = await Promise.all(names.map((name) => detectorFor(service, c.get('call'), name)))
      return c.json(Object.fromEntries(names.map((name, i) => [name, functionOf(name, models[i]!.model)])))
    })
    app.get('/api/functions/:name', guard(0), async (c) => {
      const name = c.req.param('name')
      const { model } = await detectorFor(service, c.get('call'), name)
      return c.json(functionOf(name, model))
    })
    app.post('/api/function_invocations', guard(service.limits.bodyBytes), (c) => invoke(c, service))
    app.all('/api/functions', allowOnly('GET'))
    app.all('/api/functions/:name', allowOnly('GET'))
    app.all('/api/function_invocations', allowOnly('POST'))
  },
}

/** A model as nuclio describes a function. CVAT refuses one whose labels have a name twice. */
function functionOf(name: string, { family, contract, licence }: ModelInfo): object {
  const labels = [...new Set(contract.labels.filter((label) => label !== null))]
  const spec = labels.map((label, id) => ({ id, name: label, type: 'rectangle' }))
  return {
    metadata: {
      name,
      annotations: { name, type: 'detector', framework: 'boxlet', spec: JSON.stringify(spec) },
    },
    spec: { description: [family, contract.task, licence].filter(Boolean).join(', ') },
    status: { state: 'ready', httpPort: 0 },
  }
}

const PAYLOAD = v.object({
  image: v.pipe(v.string(), v.minLength(1)),
  threshold: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
})

async function invoke(c: Ctx, service: Service): Promise<Response> {
  const call = c.get('call')
  const name = c.req.header('x-nuclio-function-name')
  if (name === undefined) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected the name of a function in the header x-nuclio-function-name but received none.',
    )
  }
  const payload = v.safeParse(PAYLOAD, parseJsonObject(c.get('body')), { abortEarly: true })
  if (!payload.success) {
    throw formFault(payload.issues[0])
  }
  const { image, threshold } = payload.output
  const bytes = decodeBase64(image, service.limits.pictureBytes)
  const detector = await detectorFor(service, call, name)
  const options = { ...(threshold !== undefined && { minScore: threshold }), consume: true }
  const { detections } = await detectOne(service, call, detector, bytes, options)
  return c.json(detections.map(shapeOf))
}

/** Rectangles alone: CVAT takes a shape of another type than the function announced for the label to be a fault. */
const shapeOf = ({ label, score, box }: Detection) => ({
  confidence: String(score),
  label,
  points: [box.x1, box.y1, box.x2, box.y2],
  type: 'rectangle',
})
