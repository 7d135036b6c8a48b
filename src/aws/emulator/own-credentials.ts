import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { loadSdk } from '../clients/sdk.ts'

/** Settings of the SDK that mean the same in a function; profiles and files of this machine do not. */
const SETTINGS =
  /^AWS_(REGION|DEFAULT_REGION|ENDPOINT_URL(_\w+)?|CA_BUNDLE|MAX_ATTEMPTS|RETRY_MODE|USE_(FIPS|DUALSTACK)_ENDPOINT)$/

/**
 * The caller's AWS credentials as the variables that a function finds them in. They are resolved here, since
 * profiles, single sign-on and their caches lie in a home folder that the function does not see.
 *
 * @throws BoxletError FORBIDDEN when there are none
 */
export async function ownCredentials(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, string>> {
  const { STSClient } = loadSdk<typeof import('@aws-sdk/client-sts')>('@aws-sdk/client-sts')
  // No call is made: the client is asked for what it would sign with, and where.
  const { config } = new STSClient(env.AWS_PROFILE === undefined ? {} : { profile: env.AWS_PROFILE })
  const found = await config.credentials().catch((cause: unknown) => {
    throw new BoxletError('FORBIDDEN', 'Expected AWS credentials but found none.', {
      cause,
      hint: 'Set AWS_PROFILE, or run "aws configure" or "aws sso login".',
    })
  })
  const region = await config.region().catch(() => undefined)
  const settings = Object.entries(env).filter(
    (entry): entry is [string, string] => SETTINGS.test(entry[0]) && entry[1] !== undefined,
  )
  return {
    ...(region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    ...Object.fromEntries(settings),
    AWS_ACCESS_KEY_ID: found.accessKeyId,
    AWS_SECRET_ACCESS_KEY: found.secretAccessKey,
    ...defined({ AWS_SESSION_TOKEN: found.sessionToken }),
  }
}
