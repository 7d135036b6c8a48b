import type { Hono, MiddlewareHandler } from 'hono'
import type { DetectOptions, DetectorLike, DetectResult } from '../../detector/types.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { type NativeReport, nativeFailed, nativeFound, nativeModel } from '../../formats/native.ts'
import type { Call, Ctx, Env } from '../call.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../service.ts'
import { type AnswerForm, answerForm } from './answer-form.ts'
import { parseDetectRequest } from './detect-request.ts'
import type { PictureSource } from './picture-sources.ts'

/** One picture with what was found in it, or why nothing could be. */
export type Outcome = { source: string; bytes: Uint8Array | undefined } & (
  | { result: DetectResult; error?: undefined }
  | { result?: undefined; error: BoxletError }
)

/** `POST /v1/detect`. */
export function detectRoutes(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  app.post('/v1/detect', guarded, (c) => detect(c, service))
  app.all('/v1/detect', allowOnly('POST'))
}

async function detect(c: Ctx, service: Service): Promise<Response> {
  const call = c.get('call')
  const form = answerForm(c.req.header('accept'))
  const { pictures, model, altText: withAltText, detect: options } = await parseDetectRequest(c, service)
  if (form.kind === 'picture' && pictures.length > 1) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected one picture for an annotated answer but received several.',
    )
  }
  const detector = await detectorFor(service, call, model)
  const outcomes = await runAll(service, call, detector, pictures, {
    ...options,
    consume: form.kind !== 'picture',
  })
  const only = outcomes[0]
  if (outcomes.length === 1 && only?.error !== undefined) {
    throw only.error
  }
  return answer(form, outcomes, detector, withAltText, service, call)
}

/** All pictures at once; the pool behind the detector decides how many really run at a time. */
async function runAll(
  service: Service,
  call: Call,
  detector: DetectorLike,
  pictures: PictureSource[],
  options: DetectOptions,
): Promise<Outcome[]> {
  return Promise.all(
    pictures.map(async ({ source, bytes: read }): Promise<Outcome> => {
      let bytes: Uint8Array | undefined
      try {
        bytes = await read()
      } catch (error) {
        return { source, bytes, error: faultOfOne(error, call, true) }
      }
      try {
        return { source, bytes, result: await detectOne(service, call, detector, bytes, options) }
      } catch (error) {
        return { source, bytes, error: faultOfOne(error, call, false) }
      }
    }),
  )
}

/**
 * The error of one picture, which stands in its place. Throws a fault of the service, or of the call as a whole, again.
 *
 * @param reading bytes of the picture were asked for: what is wrong with the request is then wrong with this picture only
 */
function faultOfOne(error: unknown, call: Call, reading: boolean): BoxletError {
  call.signal.throwIfAborted()
  const known = toBoxletError(error)
  const ofAll = known.code === 'INTERNAL' || known.kind === 'unavailable'
  if (ofAll || (known.kind === 'usage' && !reading)) {
    throw error
  }
  return known
}

async function answer(
  form: AnswerForm,
  outcomes: Outcome[],
  detector: DetectorLike,
  withAltText: boolean,
  service: Service,
  call: Call,
): Promise<Response> {
  if (form.kind === 'json') {
    return Response.json(await report(detector, outcomes, withAltText))
  }
  if (form.kind === 'text') {
    const { altText } = await import('../../formats/alt-text.ts')
    const lines = outcomes.map(({ result, error }) =>
      result === undefined ? `Error: ${error?.message}` : altText(result.detections),
    )
    return new Response(`${lines.join('\n')}\n`, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
  }
  const { bytes, result } = outcomes[0] as Outcome
  const { drawDetections } = await import('../../image/draw/draw.ts')
  const drawn = await drawDetections(bytes as Uint8Array, (result as DetectResult).detections, {
    format: form.format,
    decode: { maxPixels: service.limits.pixels },
    signal: call.signal,
  })
  return new Response(drawn as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': `image/${form.format}` },
  })
}

async function report(
  detector: DetectorLike,
  outcomes: readonly Outcome[],
  withAltText: boolean,
): Promise<NativeReport> {
  const sentence = withAltText ? (await import('../../formats/alt-text.ts')).altText : undefined
  return {
    model: nativeModel(detector.model),
    images: outcomes.map(({ source, result, error }) => {
      if (result === undefined) {
        return nativeFailed(source, error)
      }
      const found = nativeFound(source, result)
      return sentence === undefined ? found : { ...found, altText: sentence(result.detections) }
    }),
  }
}
