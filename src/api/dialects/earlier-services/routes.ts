import type { Hono, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { Detection } from '../../../boxes/detection.ts'
import type { DetectOptions } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import { toArticle, toIcevision, toYolambda } from '../../../formats/earlier-services.ts'
import { decodeBase64 } from '../../base64.ts'
import type { Ctx, Env } from '../../call.ts'
import { formFault } from '../../form-fault.ts'
import { parseJsonObject } from '../../json-body.ts'
import { allowOnly, detectOne, detectorFor, type Service } from '../../service.ts'

/** One older service: what its clients send beside the picture, its defaults, and its answer. */
interface OlderClient {
  path: string
  options: v.GenericSchema<unknown, DetectOptions>
  answer(detections: readonly Detection[]): unknown
}

const ratio = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const withDefaults = (defaults: DetectOptions) =>
  v.pipe(
    v.object({}),
    v.transform(() => defaults),
  )

const CLIENTS: readonly OlderClient[] = [
  {
    path: '/yolambda',
    // imgsz is accepted and not used: the model's own input size decides.
    options: v.pipe(
      v.object({
        imgsz: v.optional(v.pipe(v.number(), v.gtValue(0))),
        conf_thres: v.optional(ratio, 0.3),
        iou_thres: v.optional(ratio, 0.3),
      }),
      v.transform(({ conf_thres, iou_thres }) => ({ minScore: conf_thres, iou: iou_thres })),
    ),
    answer: toYolambda,
  },
  {
    path: '/icevision',
    // The handler that these clients knew had 0.5 written into it.
    options: withDefaults({ minScore: 0.5 }),
    answer: toIcevision,
  },
  {
    path: '/yolo-lambda-node',
    options: withDefaults({}),
    answer: toArticle,
  },
]

/** Paths for clients of older Lambda services, which then need a new address and nothing else. */
export function olderRoutes(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  for (const client of CLIENTS) {
    // YOLambda's own test client sends its body with a GET.
    app.on(['GET', 'POST'], client.path, guarded, (c) => answer(c, service, client))
    app.all(client.path, allowOnly('GET, POST'))
  }
}

async function answer(c: Ctx, service: Service, client: OlderClient): Promise<Response> {
  const call = c.get('call')
  const { image, ...given } = parseJsonObject(c.get('body'))
  if (typeof image !== 'string' || image === '') {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected base64 under "image" for the picture but received none.',
    )
  }
  const options = v.safeParse(client.options, given, { abortEarly: true })
  if (!options.success) {
    throw formFault(options.issues[0])
  }
  const bytes = decodeBase64(image, service.limits.pictureBytes)
  const detector = await detectorFor(service, call, undefined)
  const { detections } = await detectOne(service, call, detector, bytes, { ...options.output, consume: true })
  return c.json(client.answer(detections) as object)
}
