import type { Stack } from '@aws-sdk/client-cloudformation'
import { describe, expect, it } from 'vitest'
import { fakeSession } from '../../../test/support/aws-session.ts'
import { connectDataBucket, makesDataBucket } from './data-bucket.ts'

it('sends pictures of a bucket that was taken over to the queue of the stack, and leaves other notifications', async () => {
  const other = { QueueArn: 'arn:other', Events: ['s3:ObjectRemoved:*'] }
  const former = {
    QueueArn: 'arn:gone',
    Events: ['s3:ObjectCreated:*'],
    Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'incoming/' }] } },
  }
  const put: unknown[] = []
  const { session } = fakeSession({
    DescribeStackResource: () => ({
      StackResourceDetail: {
        PhysicalResourceId: 'https://sqs.eu-west-1.amazonaws.com/123456789012/test-Queue-ABC',
      },
    }),
    GetBucketNotificationConfiguration: () => ({
      $metadata: {},
      TopicConfigurations: ['kept'],
      QueueConfigurations: [other, former],
    }),
    DescribeStacks: () => ({ Stacks: [] }),
    PutBucketNotificationConfiguration: (input) => put.push(input),
  })
  await connectDataBucket(session, 'test', 'photos')
  expect(put).toEqual([
    {
      Bucket: 'photos',
      ExpectedBucketOwner: '123456789012',
      NotificationConfiguration: {
        TopicConfigurations: ['kept'],
        QueueConfigurations: [
          other,
          {
            Id: 'boxlet-incoming',
            QueueArn: 'arn:aws:sqs:eu-west-1:123456789012:test-Queue-ABC',
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'incoming/' }] } },
          },
        ],
      },
    },
  ])
})

it('leaves a bucket alone whose pictures come through EventBridge', async () => {
  const { session, sent } = fakeSession({
    DescribeStackResource: () => ({ StackResourceDetail: { PhysicalResourceId: 'https://sqs/1/queue' } }),
    GetBucketNotificationConfiguration: () => ({ EventBridgeConfiguration: {} }),
  })
  await connectDataBucket(session, 'test', 'photos')
  expect(sent).not.toContain('PutBucketNotificationConfiguration')
})

describe('a bucket of another stack', () => {
  const stacks = (StackStatus: string) => () => ({
    Stacks: [
      {
        StackName: 'other',
        StackStatus,
        Parameters: [{ ParameterKey: 'DataBucketName', ParameterValue: 'photos' }],
      },
    ],
  })
  const incoming = {
    QueueArn: 'arn:aws:sqs:eu-west-1:123456789012:other-Queue-ABC',
    Events: ['s3:ObjectCreated:*'],
    Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'incoming/' }] } },
  }
  const account = (status: string) =>
    fakeSession({
      DescribeStacks: stacks(status),
      HeadBucket: () => ({}),
      DescribeStackResource: () => ({ StackResourceDetail: { PhysicalResourceId: 'https://sqs/1/queue' } }),
      GetBucketNotificationConfiguration: () => ({ QueueConfigurations: [incoming] }),
      PutBucketNotificationConfiguration: () => ({}),
    })

  it('goes on sending its pictures there while that stack stands', async () => {
    const { session, sent } = account('UPDATE_COMPLETE')
    await expect(connectDataBucket(session, 'test', 'photos')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('photos is that of the stack other.'),
    })
    expect(sent).not.toContain('PutBucketNotificationConfiguration')
  })

  it('is refused before anything changes, unless it was taken over before', async () => {
    const { session } = account('UPDATE_COMPLETE')
    await expect(makesDataBucket(session, 'test', undefined, 'photos')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('--data-bucket'),
    })
    const before = { ...stacks('UPDATE_COMPLETE')().Stacks[0]!, StackName: 'test' }
    expect(await makesDataBucket(session, 'test', before as Stack, 'photos')).toBe(false)
  })

  it('is taken over when that stack is going', async () => {
    const { session, sent } = account('DELETE_IN_PROGRESS')
    expect(await makesDataBucket(session, 'test', undefined, 'photos')).toBe(false)
    await connectDataBucket(session, 'test', 'photos')
    expect(sent).toContain('PutBucketNotificationConfiguration')
  })
})
