import type { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import type { S3Client } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { foreignAnswer, notOfAws, unknownHost } from './no-answer.ts'
import { missingProfile } from './profile.ts'

/** Who deploys, and where to. Clients are made when they are first used. */
export interface AwsSession {
  account: string
  region: string
  /** The region as it was given to the command; undefined where that of the environment was taken. */
  givenRegion?: string | undefined
  /** ARN of the caller, shown before anything is changed. */
  caller: string
  cloudFormation: CloudFormationClient
  s3: S3Client
}

const CALLER = 'tell who the caller is'

/**
 * @throws BoxletError USAGE without a region, FORBIDDEN without credentials that work, ABORTED
 */
export async function openSession(region: string | undefined, signal?: AbortSignal): Promise<AwsSession> {
  const { STSClient, GetCallerIdentityCommand } =
    loadSdk<typeof import('@aws-sdk/client-sts')>('@aws-sdk/client-sts')
  const options = region === undefined ? {} : { region }
  const sts = new STSClient(options)
  let resolved: string
  try {
    resolved = await sts.config.region()
  } catch (cause) {
    throw (await missingProfile(cause)) ?? regionFault(region, cause)
  }
  const identity = await sts
    .send(new GetCallerIdentityCommand({}), abortable(signal))
    .catch(async (cause: unknown) => {
      throw await credentialsFault(cause)
    })
  // Whatever else speaks XML is no error to the SDK, which then finds nothing in it.
  if (identity.Account === undefined) {
    throw notOfAws(CALLER, identity)
  }
  const { CloudFormationClient } = loadSdk<typeof import('@aws-sdk/client-cloudformation')>(
    '@aws-sdk/client-cloudformation',
  )
  const { S3Client } = loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')
  return {
    account: identity.Account,
    region: resolved,
    givenRegion: region,
    caller: identity.Arn ?? '',
    cloudFormation: new CloudFormationClient({ region: resolved }),
    s3: new S3Client({ region: resolved }),
  }
}

/** Options of a call that ends with the signal instead of waiting for a service that does not answer. */
export const abortable = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { abortSignal: signal }

function regionFault(given: string | undefined, cause: unknown): BoxletError {
  const hint = 'Add --region, or set AWS_REGION.'
  const received = given ?? process.env.AWS_REGION ?? 'that of the profile'
  if (received === '' || (cause instanceof Error && /missing/i.test(cause.message))) {
    return new BoxletError('USAGE', 'Expected an AWS region but found none.', { cause, hint })
  }
  return new BoxletError(
    'USAGE',
    `Expected the name of an AWS region, such as eu-west-1, but received "${received}".`,
    { cause, hint },
  )
}

async function credentialsFault(cause: unknown): Promise<BoxletError> {
  const { name, status } = sdkFault(cause)
  if (name === 'CredentialsProviderError') {
    return (
      (await missingProfile(cause)) ??
      new BoxletError('FORBIDDEN', 'Expected AWS credentials but found none.', {
        cause,
        hint: 'Set AWS_PROFILE, or run "aws configure" or "aws sso login".',
      })
    )
  }
  if (status === 403 || name.includes('Token')) {
    return new BoxletError('FORBIDDEN', `Expected valid AWS credentials but the service answered ${name}.`, {
      cause,
      hint: 'They may have expired; sign in again.',
    })
  }
  return awsFault(CALLER, cause)
}

/**
 * An error of a service, with its own words: they name what is not permitted or not found.
 *
 * @param task what AWS was to do, as a verb with its object: "delete the stack fridge"
 */
export function awsFault(task: string, cause: unknown): BoxletError {
  const { name, status } = sdkFault(cause)
  if (name === 'AbortError') {
    return new BoxletError('ABORTED', 'Expected an answer of AWS but was interrupted.', { cause })
  }
  const fault = unknownHost(task, cause) ?? foreignAnswer(task, cause)
  if (fault !== undefined) {
    return fault
  }
  const words =
    cause instanceof Error && cause.message !== '' ? cause.message.replace(/\s+/g, ' ').slice(0, 300) : name
  return new BoxletError(
    'AWS_FAILED',
    `Expected AWS to ${task} but it answered ${told(name, status)}: ${words.replace(/\.$/, '')}.`,
    {
      cause,
    },
  )
}

/** Answers without a body, as to HEAD, have no name of their own. */
const told = (name: string, status: number | undefined): string =>
  name.startsWith('Unknown') && status !== undefined ? `with status ${status}` : name

/** Whether the same call may well work later: no answer, a service in trouble, or too many calls. */
export function isPassing(fault: unknown): boolean {
  if (!(fault instanceof BoxletError) || fault.code !== 'AWS_FAILED') {
    return false
  }
  const { name, status } = sdkFault(fault.cause)
  if (status === undefined) {
    return !name.endsWith('ProviderError')
  }
  return status >= 500 || status === 429 || name === 'ThrottlingException'
}
