/** How many environments an account lets run at once, asked before anything is planned. */
import { BoxletError } from '../../errors.ts'
import { loadSdk } from '../clients/sdk.ts'
import { type AwsSession, abortable, awsFault } from './session.ts'

/** Lambda keeps so many for functions without a share of their own. Source: "Configuring reserved concurrency". */
const KEPT_UNRESERVED = 100

export interface AccountLimits {
  /** Environments at once of all functions together: 1,000 mostly, in new accounts 10. */
  concurrency: number
  /** Those that no function has reserved. */
  unreserved: number
}

/** @throws BoxletError AWS_FAILED, such as for a caller who lacks lambda:GetAccountSettings */
export async function accountLimits(session: AwsSession, signal: AbortSignal): Promise<AccountLimits> {
  const { LambdaClient, GetAccountSettingsCommand } =
    loadSdk<typeof import('@aws-sdk/client-lambda')>('@aws-sdk/client-lambda')
  const client = new LambdaClient({ region: session.region })
  const { AccountLimit } = await client
    .send(new GetAccountSettingsCommand({}), abortable(signal))
    .catch((cause: unknown) => {
      throw awsFault('tell the limits of the account', cause)
    })
  const { ConcurrentExecutions: concurrency, UnreservedConcurrentExecutions: unreserved } = AccountLimit ?? {}
  if (concurrency === undefined || unreserved === undefined) {
    throw new BoxletError('AWS_FAILED', 'Expected AWS to tell the limits of the account but it gave none.')
  }
  return { concurrency, unreserved }
}

type Parameters = Readonly<Record<string, string>>

/** Whether the stack asks for a share of the account at all. */
export const needsConcurrency = ({
  ReservedConcurrency: reserved = '-1',
  ProvisionedConcurrency: provisioned = '0',
  DataBucketName: data = '',
}: Parameters): boolean => Number(reserved) > 0 || Number(provisioned) > 0 || data !== ''

/**
 * @param wanted parameters of the stack to be
 * @param has parameters of the stack as it is, whose own share is free for it again
 * @throws BoxletError USAGE for a share that is larger than the other
 */
export function expectShares({ ReservedConcurrency, ProvisionedConcurrency }: Parameters): void {
  const [reserved, provisioned] = [Number(ReservedConcurrency ?? -1), Number(ProvisionedConcurrency ?? 0)]
  if (reserved >= 0 && provisioned > reserved) {
    throw new BoxletError(
      'USAGE',
      `Expected at most the ${reserved} environments of --reserved for --provisioned but received ${provisioned}.`,
      { hint: 'Raise --reserved, or lower --provisioned.' },
    )
  }
}

/** @throws BoxletError USAGE for more environments than the account has */
export function expectCapacity(
  wanted: Parameters,
  has: Parameters,
  { concurrency, unreserved }: AccountLimits,
): void {
  const shareOf = ({
    ReservedConcurrency: reserved = '-1',
    ProvisionedConcurrency: warm = '0',
  }: Parameters) => (Number(reserved) >= 0 ? Number(reserved) : Number(warm))
  const share = shareOf(wanted)
  // Warm environments of a function without a share of its own count as unreserved while they run.
  const own = Math.max(0, Number(has.ReservedConcurrency ?? -1))
  const free = Math.max(0, unreserved + own - KEPT_UNRESERVED)
  if (share > free) {
    const option = Number(wanted.ReservedConcurrency ?? -1) >= 0 ? '--reserved' : '--provisioned'
    throw new BoxletError(
      'USAGE',
      `Expected at most ${free} for ${option} but received ${share}: the account runs ${concurrency} environments at once, and ${KEPT_UNRESERVED} have to stay unreserved.`,
      { hint: `${RAISE} Or leave ${option} out.` },
    )
  }
  const workers = Number(wanted.WorkerConcurrency ?? 10)
  if (wanted.DataBucketName && workers >= concurrency) {
    throw new BoxletError(
      'USAGE',
      `Expected fewer than the ${concurrency} environments that the account runs at once for --worker-concurrency but received ${workers}: while pictures are worked on, no request would be answered.`,
      { hint: `Say --worker-concurrency ${Math.max(2, Math.floor(concurrency / 2))}. ${RAISE}` },
    )
  }
}

const RAISE = 'Service Quotas raises the limit "Concurrent executions" of Lambda.'
