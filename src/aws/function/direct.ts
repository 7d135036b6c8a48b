/** Events of a direct invocation as requests to the application, so that there is one way to detect. */
import { isRecord } from '../../system/record.ts'
import { UNKNOWN_HOST, type WebCall } from './http-event.ts'

/** Who a direct caller is: IAM has permitted this action to them, and Lambda does not say who they are. */
const INVOKER = 'lambda:InvokeFunction'
/**
 * Events of gateways that are not known here (WebSocket API, VPC Lattice, an API with a mapping of its own) carry
 * some of these. IAM has admitted the gateway and not its callers, so they are nobody's direct calls.
 */
const OF_A_GATEWAY = ['requestContext', 'rawPath', 'raw_path', 'httpMethod', 'method', 'headers']

const DETECT = '/v1/detect'
const OLDER_OPTIONS = ['imgsz', 'conf_thres', 'iou_thres']

/**
 * - `{ "image" | "images" | "url" | "s3": …, options }`: `POST /v1/detect` with the event as it is.
 * - `{ "image", "imgsz"?, "conf_thres"?, "iou_thres"? }`: the YOLambda client.
 * - `{ "Image": { "Bytes" | "S3Object" }, … }`: Rekognition's DetectLabels.
 * - `{ "body": JSON or base64, "isBase64Encoded"? }`: the bare proxy event of functions behind an older API.
 *
 * @param path where the first and the last form go; `/icevision` for callers of that handler, say
 * @returns undefined for anything else
 */
export function directCall(event: unknown, path = DETECT): WebCall | undefined {
  if (!isRecord(event) || OF_A_GATEWAY.some((name) => name in event)) {
    return undefined
  }
  if (isRecord(event.Image)) {
    return call('/', event, { 'x-amz-target': 'RekognitionService.DetectLabels' })
  }
  if (OLDER_OPTIONS.some((name) => name in event)) {
    return call('/yolambda', event)
  }
  if (['image', 'images', 'url', 's3'].some((name) => name in event)) {
    return path === DETECT ? parsed(event) : call(path, event)
  }
  if (typeof event.body === 'string') {
    const bytes = Buffer.from(event.body, event.isBase64Encoded === true ? 'base64' : 'utf8')
    try {
      return directCall(JSON.parse(bytes.toString('utf8')), path)
    } catch {
      return { request: request(path, bytes, {}), connection: { principal: INVOKER } }
    }
  }
  return undefined
}

function call(path: string, event: unknown, headers: Record<string, string> = {}): WebCall {
  const type = path === '/' ? 'application/x-amz-json-1.1' : 'application/json'
  const body = Buffer.from(JSON.stringify(event))
  return {
    request: request(path, body, { 'content-type': type, ...headers }),
    connection: { principal: INVOKER },
  }
}

/** Lambda has parsed the event: to write it down again and to parse it once more would take as long as to decode it. */
const parsed = (event: Readonly<Record<string, unknown>>): WebCall => ({
  request: new Request(`https://${UNKNOWN_HOST}${DETECT}`, { method: 'POST' }),
  connection: { principal: INVOKER, document: event },
})

const request = (path: string, body: Buffer, headers: Record<string, string>): Request =>
  new Request(`https://${UNKNOWN_HOST}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(body.length) },
    body: body as Buffer<ArrayBuffer>,
  })
