import type { MiddlewareHandler } from 'hono'
import type { DetectOptions, DetectorLike, DetectResult } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { addStage, type Call, type Env } from './call.ts'
import type { AppOptions, Limits } from './options.ts'

/** What every route works with. */
export interface Service {
  options: AppOptions
  limits: Limits
  now: () => number
}

/** Answers other methods on a path that exists, naming those that it takes. */
export const allowOnly =
  (allow: string): MiddlewareHandler<Env> =>
  () => {
    throw new BoxletError(
      'METHOD_NOT_ALLOWED',
      `Expected the method ${allow} for this path but received another.`,
      {
        details: { allow },
      },
    )
  }

/** @throws BoxletError MODEL_NOT_FOUND */
export function checkServed({ options }: Service, model: string): void {
  const { names } = options.detectors
  if (!names.includes(model)) {
    throw new BoxletError(
      'MODEL_NOT_FOUND',
      'Expected the name of a model that is served but received another.',
      { hint: `Served here: ${names.join(', ')}.` },
    )
  }
}

/** The detector that a request asked for, or the default one. */
export async function detectorFor(
  service: Service,
  call: Call,
  name: string | undefined,
): Promise<DetectorLike> {
  const { detectors } = service.options
  const wanted = name ?? detectors.defaultName
  checkServed(service, wanted)
  call.model = wanted
  return detectors.get(wanted, call.caller)
}

/** Runs one picture and keeps its times for the log, the metrics and the Server-Timing header. */
export async function detectOne(
  service: Service,
  call: Call,
  detector: DetectorLike,
  bytes: Uint8Array,
  options: DetectOptions,
): Promise<DetectResult> {
  call.signal.throwIfAborted()
  call.pictures++
  const started = performance.now()
  const { pixels, pictureBytes } = service.limits
  const image = {
    ...options.image,
    maxPixels: Math.min(pixels, options.image?.maxPixels ?? pixels),
    maxBytes: pictureBytes,
  }
  const result = await detector.detect(bytes, { ...options, image, signal: call.signal })
  const { decode, prepare, run, boxes, total } = result.timings
  addStage(call, 'decode', decode)
  addStage(call, 'prepare', prepare)
  addStage(call, 'run', run)
  addStage(call, 'boxes', boxes)
  addStage(
    call,
    'queue',
    Math.max(0, performance.now() - started - Math.min(total, decode + prepare + run + boxes)),
  )
  call.detections += result.detections.length
  return result
}
