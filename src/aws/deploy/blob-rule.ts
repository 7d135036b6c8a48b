import type { GetBucketLifecycleConfigurationCommandOutput, LifecycleRule } from '@aws-sdk/client-s3'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { BLOB_RULE, JOB_BLOB_DAYS, JOBS_PREFIX } from '../jobs/own-blobs.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/**
 * Lets what belongs to jobs expire in a bucket that was taken over, whose rules no template can add to. The rules of
 * its owner stay, and one of theirs that expires the same objects is enough.
 *
 * @throws BoxletError where the rules cannot be read or written; pictures then lie there until somebody removes them
 */
export async function expireJobBlobs(session: AwsSession, bucket: string): Promise<void> {
  const { GetBucketLifecycleConfigurationCommand, PutBucketLifecycleConfigurationCommand } = sdk()
  const owner = { Bucket: bucket, ExpectedBucketOwner: session.account }
  const current = async (): Promise<Partial<GetBucketLifecycleConfigurationCommandOutput>> => {
    try {
      return await session.s3.send(new GetBucketLifecycleConfigurationCommand(owner))
    } catch (error) {
      if (sdkFault(error).name === 'NoSuchLifecycleConfiguration') {
        return {}
      }
      throw error
    }
  }
  try {
    const { Rules = [], TransitionDefaultMinimumObjectSize } = await current()
    if (Rules.some(expiresThem)) {
      return
    }
    const rule: LifecycleRule = {
      ID: BLOB_RULE,
      Status: 'Enabled',
      Filter: { Prefix: JOBS_PREFIX },
      Expiration: { Days: JOB_BLOB_DAYS },
    }
    await session.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        ...owner,
        ...(TransitionDefaultMinimumObjectSize !== undefined && { TransitionDefaultMinimumObjectSize }),
        LifecycleConfiguration: { Rules: [...Rules.filter(({ ID }) => ID !== BLOB_RULE), rule] },
      }),
    )
  } catch (error) {
    throw awsFault(`let pictures of jobs expire in the bucket ${bucket}`, error)
  }
}

const expiresThem = ({ Status, Filter, Expiration }: LifecycleRule): boolean =>
  Status === 'Enabled' && Filter?.Prefix === JOBS_PREFIX && Expiration?.Days === JOB_BLOB_DAYS
