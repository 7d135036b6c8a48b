import { allow, att, type Resource, ref, sub, type Value, when } from './cloudformation.ts'
import { functionProperties, logGroup, variables } from './function-part.ts'
import { role } from './role-part.ts'

const WORKER = `\${AWS::StackName}-worker`
/** Seconds for a batch of pictures. */
const WORKER_TIMEOUT = 120
/** Six times the timeout, as AWS recommends: a message must not come back while it is still being worked on. */
export const VISIBILITY = 6 * WORKER_TIMEOUT
const MAX_TRIES = 3
/** Pictures that come in are detected, results go out; the two prefixes never overlap. */
export const INCOMING = 'incoming/'
const RESULTS = 'results/'

const BATCH = 10

const only = (resource: Resource): Resource => ({ ...resource, Condition: 'HasData' })
const bucketArn = (path = ''): Value => sub(`arn:\${AWS::Partition}:s3:::\${DataBucketName}${path}`)

/** A service may put messages into the queue when it speaks for one bucket or rule of this account. */
const mayTell = (service: string, source: Value): Value => ({
  Effect: 'Allow',
  Principal: { Service: service },
  Action: 'sqs:SendMessage',
  Resource: att('Queue', 'Arn'),
  Condition: {
    ArnEquals: { 'aws:SourceArn': source },
    StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') },
  },
})

export const dataResources: Record<string, Resource> = {
  DeadLetters: only({
    Type: 'AWS::SQS::Queue',
    Properties: { MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true },
  }),
  Queue: only({
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: VISIBILITY,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: att('DeadLetters', 'Arn'), maxReceiveCount: MAX_TRIES },
    },
  }),
  QueuePolicy: only({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref('Queue')],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          mayTell('s3.amazonaws.com', bucketArn()),
          when('TakesBucket', mayTell('events.amazonaws.com', att('Arrivals', 'Arn'))),
        ],
      },
    },
  }),
  DataBucket: {
    Type: 'AWS::S3::Bucket',
    Condition: 'MakesBucket',
    DependsOn: ['QueuePolicy'],
    // Pictures and results outlive the stack, but an empty bucket of a first deployment that failed would only
    // stand in the way of the next one.
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketName: ref('DataBucketName'),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Event: 's3:ObjectCreated:*',
            Queue: att('Queue', 'Arn'),
            Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: INCOMING }] } },
          },
        ],
      },
    },
  },
  // The settings of a bucket that exists are its owner's. S3 tells EventBridge once they say so.
  Arrivals: {
    Type: 'AWS::Events::Rule',
    Condition: 'TakesBucket',
    Properties: {
      Description: 'Pictures that arrive for Boxlet.',
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [ref('DataBucketName')] },
          object: { key: [{ prefix: INCOMING }] },
        },
      },
      Targets: [{ Id: 'queue', Arn: att('Queue', 'Arn') }],
    },
  },
  WorkerLogGroup: only(logGroup(sub(`/aws/lambda/${WORKER}`))),
  WorkerRole: only(
    role(WORKER, 'WorkerLogGroup', [
      allow(['s3:GetObject', 's3:GetObjectVersion'], bucketArn(`/${INCOMING}*`)),
      // Without it S3 answers 403 for a picture that is gone, which looks as if another try could help.
      allow(['s3:ListBucket'], bucketArn()),
      allow(['s3:PutObject'], bucketArn(`/${RESULTS}*`)),
      allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], att('Queue', 'Arn')),
    ]),
  ),
  Worker: only({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: sub(WORKER),
      Description: 'Detects in pictures that arrive in S3.',
      ...functionProperties('WorkerLogGroup'),
      Handler: 'index.handler',
      Role: att('WorkerRole', 'Arn'),
      Timeout: WORKER_TIMEOUT,
      Environment: { Variables: variables({ BOXLET_AUTH: 'iam', BOXLET_RESULT_PREFIX: RESULTS }) },
    },
  }),
  WorkerMapping: only({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: att('Queue', 'Arn'),
      FunctionName: ref('Worker'),
      BatchSize: BATCH,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: ref('WorkerConcurrency') },
    },
  }),
}

export const dataOutputs = {
  // Only a bucket that the stack made, since what names it here may be deleted with the stack.
  DataBucketName: {
    Description: 'Put pictures below incoming/, find results below results/.',
    Condition: 'MakesBucket',
    Value: ref('DataBucket'),
  },
  QueueArn: {
    Description: 'Queue of pictures to work on.',
    Condition: 'HasData',
    Value: att('Queue', 'Arn'),
  },
  DeadLettersUrl: {
    Description: 'Messages that failed three times.',
    Condition: 'HasData',
    Value: ref('DeadLetters'),
  },
}
