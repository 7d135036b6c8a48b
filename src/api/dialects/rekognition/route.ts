import type { Hono, MiddlewareHandler } from 'hono'
import { BoxletError } from '../../../errors.ts'
import type { Call, Ctx, Env } from '../../call.ts'
import { allowOnly, type Service } from '../../service.ts'

type Operation = (body: Uint8Array, service: Service, call: Call) => Promise<unknown>

/** Loaded by the first request for one: their tables of labels are a tenth of the application. */
const OPERATIONS = {
  DetectLabels: async () => (await import('./detect-labels.ts')).detectLabels,
  DetectCustomLabels: async () => (await import('./detect-custom-labels.ts')).detectCustomLabels,
  DetectModerationLabels: async () => (await import('./moderation.ts')).detectModerationLabels,
  StartMediaAnalysisJob: async () => (await import('./media-jobs.ts')).startMediaAnalysisJob,
  GetMediaAnalysisJob: async () => (await import('./media-jobs.ts')).getMediaAnalysisJob,
  ListMediaAnalysisJobs: async () => (await import('./media-jobs.ts')).listMediaAnalysisJobs,
} satisfies Record<string, () => Promise<Operation>>

export type OperationName = keyof typeof OPERATIONS

export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[]

/** AWS JSON 1.1: `POST /` with the operation in X-Amz-Target. */
export function rekognitionRoute(app: Hono<Env>, service: Service, guarded: MiddlewareHandler<Env>): void {
  app.post('/', guarded, (c) => dispatch(c, service))
  app.on(['PUT', 'PATCH', 'DELETE'], '/', allowOnly('GET, POST'))
}

async function dispatch(c: Ctx, service: Service): Promise<Response> {
  const call = c.get('call')
  const target = c.req.header('x-amz-target')
  if (target === undefined) {
    throw new BoxletError('NOT_FOUND', 'Expected the header X-Amz-Target for a request of an AWS client.', {
      hint: 'The native API takes pictures at POST /v1/detect.',
    })
  }
  const name = target.startsWith('RekognitionService.') ? target.slice('RekognitionService.'.length) : ''
  const load = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name as OperationName] : undefined
  if (load === undefined) {
    throw notOffered(name)
  }
  call.operation = name
  const operation = await load()
  const answer = await operation(c.get('body'), service, call)
  return new Response(JSON.stringify(answer), {
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': call.id },
  })
}

const notOffered = (name: string) =>
  new BoxletError(
    'REQUEST_INVALID',
    `Boxlet does not offer ${/^\w{1,64}$/.test(name) ? `the operation ${name}` : 'this operation'}. It offers ${new Intl.ListFormat('en-GB').format(OPERATION_NAMES)}.`,
    { details: { aws: 'UnknownOperationException' } },
  )
