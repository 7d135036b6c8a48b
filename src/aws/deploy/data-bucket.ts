/**
 * The bucket of pictures and results. It outlives its stack, so the next stack of that name, or one whose first
 * creation failed half way, meets a bucket that is there already and takes it over instead of making it.
 */
import type { Stack } from '@aws-sdk/client-cloudformation'
import type { QueueConfiguration } from '@aws-sdk/client-s3'
import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { INCOMING } from '../template/sources/bucket.ts'
import { hasBucket } from './bucket.ts'
import { type AwsSession, awsFault } from './session.ts'
import { isStanding, otherStacksWith, parametersOf, resourceId } from './stack.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/** Name of our entry among the notifications of a bucket that is taken over. */
const NOTIFICATION = 'boxlet-incoming'

/**
 * True when a stack that is to have this data bucket has to make it.
 *
 * @throws BoxletError FORBIDDEN when another stack works on the pictures of that bucket
 */
export async function makesDataBucket(
  session: AwsSession,
  stack: string,
  before: Stack | undefined,
  name: string,
): Promise<boolean> {
  if (before !== undefined && parametersOf(before).DataBucketName === name) {
    return (await resourceId(session, stack, 'DataBucket')) === name
  }
  if (!(await hasBucket(session, name, 'Name another one with --data-bucket.'))) {
    return true
  }
  await expectUnused(session, stack, name)
  return false
}

/** Two stacks would take each other's pictures and write over each other's results. */
async function expectUnused(session: AwsSession, stack: string, bucket: string): Promise<void> {
  const [other] = await otherStacksWith(session, stack, 'DataBucketName', bucket, isStanding)
  if (other === undefined) {
    return
  }
  throw new BoxletError(
    'FORBIDDEN',
    `Expected a data bucket that no other stack has for ${stack} but ${bucket} is that of the stack ${other}.`,
    { hint: `Name another one with --data-bucket, or delete the stack ${other} first.` },
  )
}

/**
 * Lets pictures that arrive in a bucket that was taken over reach the queue of the stack.
 *
 * @throws BoxletError FORBIDDEN when they go to another stack that stands
 */
export async function connectDataBucket(session: AwsSession, stack: string, bucket: string): Promise<void> {
  const queue = await resourceId(session, stack, 'Queue')
  if (queue === undefined) {
    return
  }
  const { GetBucketNotificationConfigurationCommand, PutBucketNotificationConfigurationCommand } = sdk()
  const owner = { Bucket: bucket, ExpectedBucketOwner: session.account }
  try {
    const current = await session.s3.send(new GetBucketNotificationConfigurationCommand(owner))
    const { $metadata: _answer, QueueConfigurations = [], ...others } = current
    // A rule of the stack listens there, and each picture is to come once.
    if (others.EventBridgeConfiguration !== undefined) {
      return
    }
    const arn = queueArn(session, queue)
    const [former, kept] = [
      QueueConfigurations.filter(isOurs),
      QueueConfigurations.filter((one) => !isOurs(one)),
    ]
    if (former.some(({ QueueArn }) => QueueArn !== arn)) {
      await expectUnused(session, stack, bucket)
    }
    await session.s3.send(
      new PutBucketNotificationConfigurationCommand({
        ...owner,
        NotificationConfiguration: {
          ...others,
          QueueConfigurations: [
            // S3 refuses two entries for the same pictures, and that of a stack that has gone leads nowhere.
            ...kept,
            {
              Id: NOTIFICATION,
              QueueArn: arn,
              Events: ['s3:ObjectCreated:*'],
              Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: INCOMING }] } },
            },
          ],
        },
      }),
    )
  } catch (error) {
    if (error instanceof BoxletError) {
      throw error
    }
    if (sdkFault(error).name === 'NoSuchBucket') {
      return
    }
    throw awsFault(`send pictures of the bucket ${bucket} to the stack`, error)
  }
}

/** True for a bucket that a stack of this name has made: it bears the tags of its stack for as long as it lives. */
export async function wasMadeBy(session: AwsSession, stack: string, bucket: string): Promise<boolean> {
  try {
    const { TagSet = [] } = await session.s3.send(
      new (sdk().GetBucketTaggingCommand)({ Bucket: bucket, ExpectedBucketOwner: session.account }),
    )
    return TagSet.some(({ Key, Value }) => Key === 'boxlet:stack' && Value === stack)
  } catch (error) {
    if (['NoSuchTagSet', 'NoSuchBucket'].includes(sdkFault(error).name)) {
      return false
    }
    throw awsFault(`tell the tags of the bucket ${bucket}`, error)
  }
}

/** An entry that this one takes the place of. */
const isOurs = ({ Id, Filter }: QueueConfiguration): boolean =>
  Id === NOTIFICATION || (Filter?.Key?.FilterRules?.some(({ Value }) => Value === INCOMING) ?? false)

/** CloudFormation names queues by their address. */
function queueArn({ account, region, caller }: AwsSession, address: string): string {
  const partition = caller.split(':')[1] || 'aws'
  return `arn:${partition}:sqs:${region}:${account}:${address.slice(address.lastIndexOf('/') + 1)}`
}
