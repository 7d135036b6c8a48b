import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

export interface SmokeResult {
  model: string
  detections: number
  /** Round trips in milliseconds. The first call starts an environment, unless one runs already. */
  firstMs: number
  secondMs: number
}

/** Faults of the call that come from the function's own settings, not from who calls. */
const OWN_FAULTS =
  /^(InvalidZipFile|InvalidRuntime|InvalidSecurityGroupID|InvalidSubnetID|SubnetIPAddressLimitReached|KMS\w+)Exception$/

/** True when the function itself fails. Anything else says only that it could not be asked. */
export const isFunctionFailure = (error: unknown): error is BoxletError =>
  error instanceof BoxletError && error.code === 'DEPLOY_FAILED'

/**
 * Sends one picture through the function as a direct caller would, twice.
 *
 * @throws BoxletError DEPLOY_FAILED with the function's own words when it does not answer with detections;
 * AWS_FAILED when it could not be asked
 */
export async function smokeDetection(
  session: AwsSession,
  functionArn: string,
  picture: Uint8Array,
  signal: AbortSignal,
): Promise<SmokeResult> {
  const { LambdaClient, InvokeCommand } =
    loadSdk<typeof import('@aws-sdk/client-lambda')>('@aws-sdk/client-lambda')
  const client = new LambdaClient({ region: session.region })
  const event = Buffer.from(JSON.stringify({ image: Buffer.from(picture).toString('base64') }))
  const call = async () => {
    const started = performance.now()
    const answer = await client
      .send(new InvokeCommand({ FunctionName: functionArn, Payload: event }), { abortSignal: signal })
      .catch((cause) => {
        signal.throwIfAborted()
        if (OWN_FAULTS.test(sdkFault(cause).name)) {
          throw notDetecting(cause.message, cause)
        }
        throw awsFault('invoke the function', cause)
      })
    const ms = performance.now() - started
    return {
      ms,
      answer: detectionsIn(Buffer.from(answer.Payload ?? []).toString('utf8'), answer.FunctionError),
    }
  }
  const first = await call()
  const second = await call()
  return { ...second.answer, firstMs: first.ms, secondMs: second.ms }
}

interface Answer {
  model?: { name?: string }
  images?: { detections?: unknown[]; error?: { message?: string } }[]
  errorMessage?: string
  error?: { message?: string }
}

/** @throws BoxletError DEPLOY_FAILED for anything but an answer with detections */
export function detectionsIn(
  text: string,
  functionError: string | undefined,
): { model: string; detections: number } {
  let document: Answer | undefined
  try {
    document = JSON.parse(text) as Answer
  } catch {
    document = undefined
  }
  const detections = document?.images?.[0]?.detections
  if (functionError === undefined && detections !== undefined) {
    return { model: document?.model?.name ?? '', detections: detections.length }
  }
  const words = document?.errorMessage ?? document?.error?.message ?? document?.images?.[0]?.error?.message
  throw notDetecting(words ?? text.slice(0, 200))
}

const notDetecting = (words: string, cause?: unknown): BoxletError =>
  new BoxletError(
    'DEPLOY_FAILED',
    `Expected the deployed function to detect but it answered: ${words.replace(/\.$/, '')}.`,
    { cause },
  )
