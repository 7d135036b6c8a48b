import type { Hono, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import type { Detection } from '../../../boxes/detection.ts'
import { toArticle, toIcevision, toYolambda } from '../../../formats/earlier-services.ts'
import { decodeBase64 } from '../../base64.ts'
import type { Ctx, Env } from '../../call.ts'
import { readJsonBody } from '../../json-body.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../../service.ts'
import { articleRequest, type EarlierRequest, icevisionRequest, yolambdaRequest } from './request-schema.ts'

/** One earlier service: what its clients send, with its defaults, and its answer. */
interface EarlierClient {
  path: string
  request: v.GenericSchema<unknown, EarlierRequest>
  answer(detections: readonly Detection[]): unknown
}

const CLIENTS: readonly EarlierClient[] = [
  { path: '/yolambda', request: yolambdaRequest, answer: toYolambda },
  { path: '/icevision', request: icevisionRequest, answer: toIcevision },
  { path: '/yolo-lambda-node', request: articleRequest, answer: toArticle },
]

/** Paths for clients of earlier Lambda services, which then need a new address and nothing else. */
export function earlierRoutes(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  for (const client of CLIENTS) {
    // YOLambda's own test client sends its body with a GET.
    app.on(['GET', 'POST'], client.path, guarded, (c) => answer(c, service, client))
    app.all(client.path, allowOnly('GET, POST'))
  }
}

async function answer(c: Ctx, service: Service, client: EarlierClient): Promise<Response> {
  const call = c.get('call')
  const { image, options } = readJsonBody(client.request, c.get('body'))
  const bytes = decodeBase64(image, service.limits.pictureBytes)
  const detector = await detectorFor(service, call, undefined)
  const { detections } = await detectOne(service, call, detector, bytes, { ...options, consume: true })
  return c.json(client.answer(detections) as object)
}
