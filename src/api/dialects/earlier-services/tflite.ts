/**
 * The forms of the TFLite and SQS handlers: raw RGB bytes of the model's own size in, raw outputs out, at once or by
 * the id of a message. Their post showed a producer alone; the poll is Boxlet's.
 */
import type { Hono, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import { letterbox } from '../../../boxes/letterbox.ts'
import type { DetectorLike } from '../../../detector/types.ts'
import { BoxletError } from '../../../errors.ts'
import type { tfliteMessage } from '../../../formats/earlier-services-schema.ts'
import { toTensor } from '../../../image/tensor.ts'
import { channelCount } from '../../../model/contract.ts'
import type { Tensor, TensorData } from '../../../model/tensor.ts'
import { sniff } from '../../../system/sniff.ts'
import { decodeBase64 } from '../../base64.ts'
import type { Ctx, Env } from '../../call.ts'
import type { JobOffer } from '../../jobs/offer.ts'
import { tenantOf } from '../../jobs/tenant.ts'
import { readJsonBody } from '../../json-body.ts'
import { allowOnly, detectorFor, type Service } from '../../service.ts'
import { tfliteRequest } from './request-schema.ts'

type Message = v.InferOutput<typeof tfliteMessage>

/** `POST /tflite-lambda`, and where there are jobs `POST /tflite-sqs` and `GET /tflite-sqs/ID`. */
export function tfliteRoutes(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  app.post('/tflite-lambda', guarded, (c) => predict(c, service))
  app.all('/tflite-lambda', allowOnly('POST'))
  const { jobs } = service.options
  if (jobs !== undefined) {
    app.post('/tflite-sqs', guarded, (c) => enqueue(c, service, jobs))
    app.all('/tflite-sqs', allowOnly('POST'))
    app.get('/tflite-sqs/:id', guarded, (c) => poll(c, jobs))
    app.all('/tflite-sqs/:id', allowOnly('GET'))
  }
}

async function predict(c: Ctx, service: Service): Promise<Response> {
  const call = c.get('call')
  const detector = await detectorFor(service, call, undefined)
  const raw = await service.options.detectors.raw?.(call.model ?? detector.model.name)
  const input = raw?.inputs[0]
  if (raw === undefined || input === undefined || raw.inputs.length > 1) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      'Expected a model with one input for raw bytes but it has others.',
    )
  }
  const feed = feedOf(imageOf(c, service), detector, input.type)
  call.pictures++
  const outputs = await raw.infer(new Map([[input.name, feed]]), call.signal)
  const values = [...outputs.values()].map(nested)
  return c.json({ prediction: values.length === 1 ? values[0] : values } as object)
}

function imageOf(c: Ctx, service: Service): Uint8Array {
  const { image } = readJsonBody(tfliteRequest, c.get('body'))
  return decodeBase64(image, service.limits.pictureBytes)
}

/** The bytes as the contract says that the model takes them. */
function feedOf(bytes: Uint8Array, { model }: DetectorLike, type: string): Tensor {
  const { input } = model.contract
  const size = rawSize(bytes, model)
  const data = toTensor({ ...size, data: bytes }, letterbox(size, size, input.geometry), input)
  const channels = channelCount(input.colour)
  const { width, height } = size
  const dims = input.layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels]
  return { type, dims, data }
}

/** @throws BoxletError IMAGE_FORMAT for bytes of another number than the model has pixels */
function rawSize(bytes: Uint8Array, { contract }: DetectorLike['model']): { width: number; height: number } {
  const { width, height } = contract.input.size
  const wanted = width * height * 3
  if (bytes.length !== wanted) {
    throw new BoxletError(
      'IMAGE_FORMAT',
      `Expected ${wanted} bytes, ${width} × ${height} pixels of RGB, but received ${bytes.length}.`,
      { hint: 'Pictures in a format are taken by POST /v1/detect.' },
    )
  }
  return { width, height }
}

/** As nested lists by the axes of the tensor, as `tolist` of numpy gives them. */
function nested({ dims, data }: Tensor): unknown {
  const at = (axis: number, offset: number): unknown => {
    if (axis === dims.length) {
      return numberAt(data, offset)
    }
    const step = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1)
    return Array.from({ length: dims[axis]! }, (_, index) => at(axis + 1, offset + index * step))
  }
  return at(0, 0)
}

const numberAt = (data: TensorData, index: number): number => Number(data[index])

/** The same bytes, or a picture in any format, to be detected by a worker. */
async function enqueue(c: Ctx, service: Service, jobs: JobOffer): Promise<Response> {
  const call = c.get('call')
  const bytes = imageOf(c, service)
  const picture = sniff(bytes).format === undefined ? await asPng(bytes, service, c) : bytes
  const { job } = await jobs.service.submit(tenantOf(call), {
    options: {},
    pictures: [{ name: 'image', source: { kind: 'blob', ref: await jobs.keep(picture), owned: true } }],
  })
  return c.json<Message>({ message_id: job.id, status: 'processing' }, 202)
}

async function asPng(bytes: Uint8Array, service: Service, c: Ctx): Promise<Uint8Array> {
  const { model } = await detectorFor(service, c.get('call'), undefined)
  const { width, height } = rawSize(bytes, model)
  const { loadSharp } = await import('../../../image/decode/load-sharp.ts')
  const sharp = await loadSharp()
  return sharp(bytes, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

async function poll(c: Ctx, jobs: JobOffer): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const job = await jobs.service.get(tenantOf(c.get('call')), id)
  const picture = await jobs.service.store.picture({ tenant: job.tenant, job: job.id, n: 0 })
  if (picture?.found !== undefined) {
    return c.json<Message>({ message_id: id, status: 'done', prediction: picture.found.image.detections })
  }
  if (job.finishedAt !== undefined) {
    return c.json<Message>({ message_id: id, status: 'failed', error: picture?.error ?? { code: 'ABORTED' } })
  }
  return c.json<Message>({ message_id: id, status: 'processing' })
}
