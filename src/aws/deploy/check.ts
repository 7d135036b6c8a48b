/** Whether what was deployed detects: the function itself, and the endpoint in front of it. */

import type { Stack } from '@aws-sdk/client-cloudformation'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { commandFor } from './command.ts'
import { checkEndpoint, type EndpointResult } from './endpoint-check.ts'
import type { AwsSession } from './session.ts'
import { isFunctionFailure, type SmokeResult, smokeDetection } from './smoke.ts'
import { outputsOf, parametersOf } from './stack.ts'

export { isFunctionFailure } from './smoke.ts'

export interface CheckOptions {
  stack: string
  /** Picture of the check; none skips it. */
  smokePicture: Uint8Array | undefined
  bearer: string | undefined
  signal: AbortSignal
  fetch?: typeof fetch
  onStep(text: string): void
}

export interface Checked {
  smoke: SmokeResult | undefined
  endpoint: EndpointResult | undefined
  /** What could not be checked or set up, or who is not let in; the function itself has not failed. */
  unchecked: BoxletError | undefined
}

/** @throws BoxletError DEPLOY_FAILED only when the function itself fails, and ABORTED */
export async function checkStack(session: AwsSession, stack: Stack, options: CheckOptions): Promise<Checked> {
  const checked: Checked = { smoke: undefined, endpoint: undefined, unchecked: undefined }
  const { smokePicture: picture, signal, bearer } = options
  if (picture === undefined) {
    return checked
  }
  // The function bears the name of its stack; the alias is what callers reach.
  const { FunctionArn: target = options.stack, Endpoint, ApiEndpoint: url = Endpoint } = outputsOf(stack)
  const auth = parametersOf(stack).Auth === 'keys' ? 'keys' : 'iam'
  try {
    options.onStep('Sending a picture.')
    checked.smoke = await smokeDetection(session, target, picture, signal)
    if (url !== undefined) {
      checked.endpoint = await checkEndpoint(session, {
        url,
        auth,
        bearer,
        picture,
        signal,
        ...defined({ fetch: options.fetch }),
      })
    }
  } catch (error) {
    if (signal.aborted) {
      throw new BoxletError('ABORTED', 'Expected to check the stack but was interrupted.', {
        cause: error,
        hint: 'The stack is changed and stays so. Run the same command again to check it.',
      })
    }
    if (isFunctionFailure(error)) {
      throw new BoxletError(error.code, error.message, {
        cause: error,
        hint: `Look at "${commandFor(session, 'logs', options.stack)}".`,
      })
    }
    checked.unchecked = toBoxletError(error)
  }
  return checked
}
