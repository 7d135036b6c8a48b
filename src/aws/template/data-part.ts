import { allow, att, type Resource, ref, sub, type Value } from './cloudformation.ts'
import { functionProperties, logGroup, role, variables } from './function-part.ts'

/** Seconds for a batch of pictures. */
const WORKER_TIMEOUT = 120
/** Six times the timeout, as AWS recommends: a message must not come back while it is still being worked on. */
const VISIBILITY = 6 * WORKER_TIMEOUT
const MAX_TRIES = 3
/** Pictures that come in are detected, results go out; the two prefixes never overlap. */
export const INCOMING = 'incoming/'
export const RESULTS = 'results/'

const only = (resource: Resource): Resource => ({ ...resource, Condition: 'HasData' })
const bucketArn = (path = ''): Value => sub(`arn:\${AWS::Partition}:s3:::\${DataBucketName}${path}`)

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
          {
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: att('Queue', 'Arn'),
            Condition: {
              ArnEquals: { 'aws:SourceArn': bucketArn() },
              StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') },
            },
          },
        ],
      },
    },
  }),
  DataBucket: only({
    Type: 'AWS::S3::Bucket',
    DependsOn: ['QueuePolicy'],
    // Pictures and results outlive the stack; "boxlet destroy" asks before it deletes them.
    DeletionPolicy: 'Retain',
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
  }),
  WorkerLogGroup: only(logGroup(sub(`/aws/lambda/\${AWS::StackName}-worker`))),
  WorkerRole: only(
    role('WorkerLogGroup', [
      allow(['s3:GetObject', 's3:GetObjectVersion'], bucketArn(`/${INCOMING}*`)),
      allow(['s3:PutObject'], bucketArn(`/${RESULTS}*`)),
      allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], att('Queue', 'Arn')),
    ]),
  ),
  Worker: only({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: sub(`\${AWS::StackName}-worker`),
      Description: 'Detects in pictures that arrive in S3.',
      ...functionProperties('WorkerLogGroup'),
      Handler: 'index.handler',
      Role: att('WorkerRole', 'Arn'),
      Timeout: WORKER_TIMEOUT,
      Environment: { Variables: variables({ BOXLET_RESULT_PREFIX: RESULTS }) },
    },
  }),
  WorkerMapping: only({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: att('Queue', 'Arn'),
      FunctionName: ref('Worker'),
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    },
  }),
}

export const dataOutputs = {
  DataBucketName: {
    Description: 'Put pictures below incoming/, find results below results/.',
    Condition: 'HasData',
    Value: ref('DataBucketName'),
  },
  DeadLettersUrl: {
    Description: 'Messages that failed three times.',
    Condition: 'HasData',
    Value: ref('DeadLetters'),
  },
}
