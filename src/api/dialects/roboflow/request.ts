import * as v from 'valibot'
import type { DetectOptions } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import { defined } from '../../../system/defined.ts'
import type { Call, Ctx } from '../../call.ts'
import { formFault } from '../../form-fault.ts'
import { fromBase64, fromBytes, fromUrl, type PictureSource } from '../../native/picture-sources.ts'
import type { Service } from '../../service.ts'
import { documentOf } from './body.ts'

/** What the service has where a client names none; its models are trained for these. */
const DEFAULTS = { confidence: 0.4, iou: 0.3, max: 300 }

export interface RoboflowRequest {
  model: string
  pictures: PictureSource[]
  /** A list of pictures is answered by a list, one picture by its answer alone. */
  isList: boolean
  options: DetectOptions
}

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const image = v.object({ type: v.picklist(['base64', 'url']), value: v.pipe(v.string(), v.minLength(1)) })

const BODY = v.object({
  model_id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  image: v.union([image, v.array(image)]),
  confidence: v.nullish(share, DEFAULTS.confidence),
  iou_threshold: v.nullish(share, DEFAULTS.iou),
  max_detections: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1)), DEFAULTS.max),
  class_filter: v.nullish(v.array(v.string())),
})

/** `POST /infer/…`: everything in one JSON body. @throws BoxletError REQUEST_INVALID */
export function inferRequest(c: Ctx, service: Service): RoboflowRequest {
  const call = c.get('call')
  const read = v.safeParse(BODY, documentOf(c.get('body')), { abortEarly: true })
  if (!read.success) {
    throw formFault(read.issues[0])
  }
  const { model_id, image: given, confidence, iou_threshold, max_detections, class_filter } = read.output
  const isList = Array.isArray(given)
  const images = isList ? given : [given]
  const { pictures: most } = service.limits
  if (images.length === 0 || images.length > most) {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected 1 to ${most} pictures in one request but received ${images.length}.`,
    )
  }
  return {
    model: model_id,
    pictures: images.map(({ type, value }, i) =>
      type === 'url' ? fromUrl(value, value, service, call) : fromBase64(`image[${i}]`, value, service),
    ),
    isList,
    options: {
      minScore: confidence,
      iou: iou_threshold,
      maxDetections: max_detections,
      // An empty list filters nothing there.
      ...defined({ classes: class_filter?.length ? class_filter : undefined }),
    },
  }
}

/** `POST /DATASET/VERSION`: options in the query; the body is base64 text, a form with a file, or not there for an address. */
export async function hostedRequest(c: Ctx, service: Service): Promise<RoboflowRequest> {
  const query = (name: string) => c.req.query(name)
  const classes = query('classes')
  return {
    model: c.req.param('dataset') ?? '',
    pictures: [await hostedPicture(c, service, c.get('call'))],
    isList: false,
    options: {
      minScore: shareOf(query('confidence'), 'confidence', DEFAULTS.confidence),
      iou: shareOf(query('overlap'), 'overlap', DEFAULTS.iou),
      ...(classes && { classes: classes.split(',').map((name) => name.trim()) }),
    },
  }
}

async function hostedPicture(c: Ctx, service: Service, call: Call): Promise<PictureSource> {
  const address = c.req.query('image')
  const body = c.get('body')
  if (address !== undefined) {
    return fromUrl(address, address, service, call)
  }
  const type = c.req.header('content-type') ?? ''
  if (type.toLowerCase().startsWith('multipart/form-data')) {
    const { readForm } = await import('../../native/form.ts')
    const file = (await readForm(body, type, 1)).find((part) => 'bytes' in part)
    if (file !== undefined && 'bytes' in file) {
      return fromBytes('file', file.bytes, service)
    }
  } else if (body.byteLength > 0) {
    return fromBase64('body', new TextDecoder().decode(body), service)
  }
  throw new BoxletError(
    'REQUEST_INVALID',
    'Expected base64, a file or ?image=ADDRESS but received no picture.',
  )
}

/** Older clients write 40 for 0.4. */
function shareOf(text: string | undefined, name: string, otherwise: number): number {
  const value = text === undefined || text === '' ? otherwise : Number(text)
  const part = value > 1 ? value / 100 : value
  if (!(part >= 0 && part <= 1)) {
    throw new BoxletError('REQUEST_INVALID', `Expected a number from 0 to 1, or to 100, for ${name}.`)
  }
  return part
}
