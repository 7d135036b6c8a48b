import { BoxletError } from '../../errors.ts'
import { loadSdk } from '../sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

export interface SmokeResult {
  model: string
  detections: number
  /** Round trip of a first and a second call, in milliseconds. */
  coldMs: number
  warmMs: number
}

/**
 * Sends one picture through the function as a caller would, twice.
 *
 * @throws BoxletError DEPLOY_FAILED with the function's own words when it does not answer with detections
 */
export async function smokeDetection(
  session: AwsSession,
  functionArn: string,
  picture: Uint8Array,
): Promise<SmokeResult> {
  const { LambdaClient, InvokeCommand } =
    loadSdk<typeof import('@aws-sdk/client-lambda')>('@aws-sdk/client-lambda')
  const client = new LambdaClient({ region: session.region })
  const event = Buffer.from(JSON.stringify({ image: Buffer.from(picture).toString('base64') }))
  const call = async () => {
    const started = performance.now()
    const answer = await client
      .send(new InvokeCommand({ FunctionName: functionArn, Payload: event }))
      .catch((cause) => {
        throw awsFault('invoke the function', cause)
      })
    const ms = performance.now() - started
    const text = Buffer.from(answer.Payload ?? []).toString('utf8')
    return { ms, document: parse(text, answer.FunctionError) }
  }
  const cold = await call()
  const warm = await call()
  const { model, images } = warm.document
  return {
    model: model?.name ?? '',
    detections: images?.[0]?.detections?.length ?? 0,
    coldMs: cold.ms,
    warmMs: warm.ms,
  }
}

interface Answer {
  model?: { name?: string }
  images?: { detections?: unknown[]; error?: { message?: string } }[]
  errorMessage?: string
}

function parse(text: string, functionError: string | undefined): Answer {
  let document: Answer | undefined
  try {
    document = JSON.parse(text) as Answer
  } catch {
    document = undefined
  }
  const failed = functionError !== undefined || document?.images?.[0]?.detections === undefined
  if (!failed && document !== undefined) return document
  const words = document?.errorMessage ?? document?.images?.[0]?.error?.message ?? text.slice(0, 200)
  throw new BoxletError(
    'DEPLOY_FAILED',
    `Expected the deployed function to detect but it answered: ${words}`,
    {
      hint: 'Look at "boxlet logs".',
    },
  )
}
