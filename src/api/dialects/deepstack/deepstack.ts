import type { Detection } from '../../../boxes/detection.ts'
import { DETECT_OPTIONS } from '../../../detector/options.ts'
import type { DetectOptions } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import type { Ctx } from '../../call.ts'
import { statusOf } from '../../http-status.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../../service.ts'
import { readOption } from '../../values.ts'
import type { Dialect } from '../dialect.ts'
import { formOf, textOf } from './form.ts'

/** What the service has where a client names no threshold; Frigate stops reading at the first box below it. */
const DEFAULT_CONFIDENCE = 0.4

/**
 * The vision part of DeepStack and of CodeProject.AI. The key is the field `api_key` of the form. A query `classes` is
 * ours: Frigate, whose setting is the whole address, stops reading at the first label that it does not know.
 */
export const deepstack: Dialect = {
  routes(app, service, guard) {
    const guarded = guard(service.limits.bodyBytes, {
      body: async ({ body, headers }) => textOf(await formOf(body, headers.get('content-type')), 'api_key'),
    })
    app.post('/v1/vision/detection', guarded, (c) => detect(c, service, undefined))
    app.post('/v1/vision/custom/list', guarded, (c) =>
      c.json({ success: true, models: service.options.detectors.names, moduleName: 'Boxlet' }),
    )
    app.post('/v1/vision/custom/:model', guarded, (c) => detect(c, service, c.req.param('model')))
    for (const path of ['/v1/vision/detection', '/v1/vision/custom/list', '/v1/vision/custom/:model']) {
      app.all(path, allowOnly('POST'))
    }
    const version = service.options.version ?? '0'
    app.get('/v1/status/updateavailable', (c) =>
      c.json({ success: true, updateAvailable: false, current: version, latest: version }),
    )
    app.get('/v1/status/ping', (c) => c.json({ success: true }))
    app.all('/v1/status/*', allowOnly('GET'))
  },
  errors: {
    owns: (path) => path.startsWith('/v1/vision/') || path.startsWith('/v1/status/'),
    body: (error) => ({
      success: false,
      error: [error.message, error.hint].filter(Boolean).join(' '),
      code: statusOf(error),
    }),
  },
}

async function detect(c: Ctx, service: Service, model: string | undefined): Promise<Response> {
  const call = c.get('call')
  const parts = await formOf(c.get('body'), c.req.header('content-type'))
  const picture = parts.find((part) => 'bytes' in part)
  if (picture === undefined || !('bytes' in picture)) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a file "image" in a form but received none.')
  }
  const confidence = textOf(parts, 'min_confidence')
  const classes = c.req.query('classes')
  const options = {
    minScore:
      confidence === undefined
        ? DEFAULT_CONFIDENCE
        : readOption(DETECT_OPTIONS.minScore, confidence, 'min_confidence'),
    ...(classes !== undefined && { classes: readOption(DETECT_OPTIONS.classes, classes, 'classes') }),
    consume: true,
  } as DetectOptions
  const started = performance.now()
  const detector = await detectorFor(service, call, model)
  const { detections } = await detectOne(service, call, detector, picture.bytes, options)
  const took = Math.round(performance.now() - started)
  const { run = took } = call.stages
  return c.json({
    success: true,
    predictions: detections.map(predictionOf),
    count: detections.length,
    message: sentence(detections),
    error: '',
    command: 'detect',
    moduleId: 'Boxlet',
    moduleName: call.model,
    executionProvider: 'CPU',
    canUseGPU: false,
    inferenceMs: Math.round(run),
    processMs: took,
    analysisRoundTripMs: took,
  })
}

/** Best first, as clients that stop early rely on; edges in whole pixels. */
const predictionOf = ({ label, score, box }: Detection) => ({
  confidence: score,
  label,
  x_min: Math.round(box.x1),
  y_min: Math.round(box.y1),
  x_max: Math.round(box.x2),
  y_max: Math.round(box.y2),
})

const sentence = (detections: readonly Detection[]): string =>
  detections.length === 0
    ? 'No objects found'
    : `Found ${[...new Set(detections.map(({ label }) => label))].join(', ')}`
