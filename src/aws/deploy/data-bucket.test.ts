import { expect, it } from 'vitest'
import { connectDataBucket } from './data-bucket.ts'
import { fakeSession } from './session.fixture.ts'

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
